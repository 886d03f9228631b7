#!/bin/sh
# Build the image with buildah and try it, where buildah and debootstrap are; say so where they are not.
#
# No daemon and no registry of images: the base is made by debootstrap under the name that the Dockerfile asks for. It
# wants root. Tried are the demo with a read-only root as uid 10001, and the two services of docker/compose.yaml.
set -eu
cd "$(dirname "$0")/.."
base=debian:bookworm-slim
most=800 # megabytes
if [ "$(id -u)" != 0 ]; then
    echo "The image is not built: it wants root"
    exit 0
fi
if ! command -v buildah >/dev/null || ! command -v debootstrap >/dev/null; then
    apt-get update -qq >/dev/null 2>&1 || true
    apt-get install -y -qq --no-install-recommends buildah debootstrap >/dev/null 2>&1 || true
fi
if ! command -v buildah >/dev/null || ! command -v debootstrap >/dev/null; then
    echo "The image is not built: buildah and debootstrap are missing. Install them: apt-get install buildah debootstrap"
    exit 0
fi
work=$(mktemp -d)
export BUILDAH_ISOLATION=chroot
run() { buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"; }
end() {
    run umount --all >/dev/null 2>&1 || true
    umount "$work"/storage/vfs >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap end EXIT INT TERM

if ! debootstrap --variant=minbase bookworm "$work/base" >"$work/debootstrap.log" 2>&1; then
    tail -5 "$work/debootstrap.log"
    echo "The image is not built: debootstrap found no mirror"
    exit 0
fi
rm -rf "$work"/base/var/cache/apt/archives/*.deb "$work"/base/usr/share/doc "$work"/base/usr/share/man \
    "$work"/base/usr/share/locale
empty=$(run from scratch)
run add --quiet "$empty" "$work/base" / >/dev/null
run commit --quiet --rm "$empty" "docker.io/library/$base" >/dev/null
rm -rf "$work/base"

if ! unshare --mount --pid --fork --kill-child sh -c 'mount -t proc proc /proc && mount -t tmpfs tmpfs /mnt' 2>/dev/null; then
    echo "The image is not built: this machine lets nobody mount"
    exit 0
fi
git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$(mkdir "$work/context" && echo "$work/context")"
# The certificates of this machine stand for a proxy of the hospital while packages are fetched.
run build --quiet --pull=never --format docker --volume /etc/ssl/certs/ca-certificates.crt:/run/machine-certificates.crt:ro \
    --build-arg PIP_CERT=/run/machine-certificates.crt \
    --tag nightround -f "$work/context/docker/Dockerfile" "$work/context" >"$work/build.log" 2>&1 || {
    tail -60 "$work/build.log"
    if grep -qE "Temporary failure|Unable to fetch|Could not resolve|Connection (refused|reset|timed out)|Max retries|NewConnectionError" \
        "$work/build.log"; then
        echo "The image is not built: its packages could not be fetched"
        exit 0
    fi
    exit 1
}
made=$(run from --pull=never nightround)
root=$(run mount "$made")
size=$(du -sm "$root" | cut -f1)
echo "image: $size MB (at most $most)"
[ "$size" -le "$most" ]
sh docker/try_image.sh "$root"
