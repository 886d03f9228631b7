#!/bin/sh
# The PDF needs Pango and HarfBuzz' subsetter. Without the second one the PDF is slower and not reproducible.
set -eu
packages="libpangoft2-1.0-0 libharfbuzz-subset0"

missing=""
for package in $packages; do
    library=$(echo "$package" | sed 's/^libpangoft2-1.0-0$/libpangoft2-1.0.so.0/; s/^libharfbuzz-subset0$/libharfbuzz-subset.so.0/')
    ldconfig -p 2>/dev/null | grep -q "$library" || /sbin/ldconfig -p 2>/dev/null | grep -q "$library" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing$missing ..." >&2
    apt-get update -qq >/dev/null
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
    exit 0
fi
echo "For the PDF two system libraries are needed. Install them: sudo apt-get install$missing" >&2
exit 16
