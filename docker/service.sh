#!/bin/sh
# Waits for the token, then makes the round at its hours.
set -eu
run=${RUN_FOLDER:-/run/nightround}
until [ -s "$run/token" ]; do sleep 0.5; done
REDCAP_TOKEN=$(cat "$run/token")
export REDCAP_TOKEN
exec nightround serve "${STUDY:-venous_occlusion}"
