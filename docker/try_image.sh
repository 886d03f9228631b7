#!/bin/sh
# Try the root of an image: the demo and the two services of docker/compose.yaml, as uid 10001, with /data and
# /run/nightround the only places that can be written.
set -eu
root=$1
here=$(dirname "$0")
shared=$(mktemp -d)
inside() { # name, command: what a container of the image would run
    name=$1
    shift
    sh "$here/in_image.sh" "$root" "$shared/$name" "$shared/run" "$@"
}
servers=""
end() {
    for one in $servers; do kill -9 "$one" 2>/dev/null || true; done
    rm -rf "$shared"
}
trap end EXIT INT TERM
for name in demo sandbox nightround run; do install -d -o 10001 -g 10001 -m 0700 "$shared/$name"; done

if inside demo touch /srv/nightround/written 2>/dev/null; then
    echo "the root of the image can be written"
    exit 1
fi
inside demo nightround demo --out /data/demo >"$shared/demo.log" 2>&1 || { tail -20 "$shared/demo.log"; exit 1; }
reports=$(find "$shared/demo" -name '*.pdf' | wc -l)
echo "demo in the image: $reports reports, as uid $(stat -c %u "$shared/demo/demo")"
[ "$reports" -ge 2 ]

sh "$here/in_image.sh" "$root" "$shared/sandbox" "$shared/run" sh /srv/nightround/docker/sandbox.sh >"$shared/sandbox.log" 2>&1 &
servers="$!"
sh "$here/in_image.sh" "$root" "$shared/nightround" "$shared/run" sh /srv/nightround/docker/service.sh >"$shared/service.log" 2>&1 &
servers="$servers $!"
for _ in $(seq 120); do
    grep -q . "$shared/service.log" && [ -s "$shared/run/token" ] && break
    sleep 1
done
inside nightround sh -c 'REDCAP_TOKEN=$(cat /run/nightround/token) nightround pull venous_occlusion' >"$shared/pull.log" 2>&1 \
    || { tail -20 "$shared/pull.log" "$shared/sandbox.log" "$shared/service.log"; exit 1; }
kill -0 ${servers#* }
echo "the two services find each other: $(tail -1 "$shared/pull.log")"
inside nightround nightround status --check >"$shared/health.log" 2>&1 && code=0 || code=$?
echo "health check: exit code $code"
