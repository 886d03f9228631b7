#!/bin/sh
# Run a command in the root of an image, as a container of it would: sh in_image.sh ROOT DATA RUN COMMAND...
# The root is read-only, DATA is /data, RUN is /run/nightround, the user is 10001. The network is that of the machine.
# Everything that it started ends with this process, also where that is killed (-9).
set -eu
exec unshare --mount --pid --fork --kill-child sh -ec '
    root=$1 data=$2 run=$3
    shift 3
    mount --bind "$root" "$root"
    mount --bind "$data" "$root/data"
    mount --bind "$run" "$root/run/nightround"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    mount -t proc proc "$root/proc"
    mount --bind /dev "$root/dev"
    mount -o remount,bind,ro "$root"
    exec chroot --userspec=10001:10001 "$root" env -i \
        PATH=/opt/nightround/bin:/usr/bin:/bin HOME=/tmp NIGHTROUND_HOME=/srv/nightround NIGHTROUND_DATA=/data \
        PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 REDCAP_URL=http://127.0.0.1:8089/api/ TZ=Asia/Shanghai "$@"
' sh "$@"
