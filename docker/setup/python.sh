#!/bin/sh
# Makes the virtual environment, or says in one line what is missing for it.
set -eu
venv=$1
python=${PYTHON:-python3}

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "Nightround needs Python 3.11 or newer; '$python' is not. Say which one: make PYTHON=python3.12 ..." >&2
    exit 2
fi
if "$python" -m venv "$venv" 2>/dev/null; then
    exit 0
fi
rm -rf "$venv"
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing python$version-venv ..." >&2
    apt-get update -qq >/dev/null && apt-get install -y -qq --no-install-recommends "python$version-venv" >/dev/null
    exec "$python" -m venv "$venv"
fi
echo "Python's venv module is missing. Install it: sudo apt-get install python$version-venv" >&2
exit 16
