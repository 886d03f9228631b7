#!/bin/sh
# Remove from an environment what a round never reads: tests, headers and type stubs of libraries, and the installer.
set -eu
packages=$(echo "$1"/lib/python3*/site-packages)
for name in pandas numpy scipy pyarrow fontTools sqlalchemy; do
    find "$packages/$name" -type d -name tests -prune -exec rm -rf {} +
done
rm -rf "$packages"/pyarrow/include "$packages"/pyarrow/src "$packages"/numpy/_core/include
find "$packages" -name '*.pyi' -delete
find "$packages" -name '*.pxd' -delete
rm -rf "$packages"/pip "$packages"/pip-*.dist-info "$packages"/setuptools "$packages"/setuptools-*.dist-info \
    "$packages"/pkg_resources "$packages"/_distutils_hack
rm -f "$1"/bin/pip*
