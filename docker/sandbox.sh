#!/bin/sh
# Starts the sandbox with the synthetic cohort and leaves its token where the service looks for it.
set -eu
home=${NIGHTROUND_HOME:-.}
run=${RUN_FOLDER:-/run/nightround}
port=${SANDBOX_PORT:-8089}
python=${PYTHON:-python}

mkdir -p "$run"
rm -f "$run/token"
: >"$run/lines"
"$python" -m redcap_sync.sandbox --port "$port" --project "$home/expectations/venous_occlusion/project" >"$run/lines" &
sandbox=$!
trap 'kill "$sandbox" 2>/dev/null' EXIT INT TERM
until grep -q '^ready ' "$run/lines"; do
    kill -0 "$sandbox"
    sleep 0.2
done
token=$(sed -n 's/^project .* \([0-9A-F]*\)$/\1/p' "$run/lines")
REDCAP_URL="http://127.0.0.1:$port/api/" REDCAP_TOKEN="$token" "$python" "$home/docker/load_cohort.py"
(umask 077 && printf '%s\n' "$token" >"$run/token.part" && mv "$run/token.part" "$run/token")
wait "$sandbox"
