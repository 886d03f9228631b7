#!/bin/sh
# The tests of the database on a server start a PostgreSQL server of their own. Without it they are skipped, and the run says so.
set -eu
if command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
    exit 0
fi
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing postgresql ..." >&2
    apt-get update -qq >/dev/null && apt-get install -y -qq --no-install-recommends postgresql >/dev/null && exit 0
fi
echo "PostgreSQL is not installed: its tests are skipped. Install it: sudo apt-get install postgresql" >&2
