#!/usr/bin/env bash
# Watches Tessera scale from zero to N pods and back: the queues, the pods that blur wants and has, the
# finished images. Prints one line for each change, or a live screen. It only asks Redis and Kubernetes, so it
# wakes nothing.
#
# Usage: scripts/watch.sh [options]
#   --redis URL         a local run: the URL that `npm start` prints   [$REDIS_URL, else `npm start -- --serve` if it is up]
#   --cluster           the cluster, even if REDIS_URL is set or a pipeline is up on this machine
#   --namespace NAME    where Tessera is on the cluster              [$TESSERA_NAMESPACE or tessera]
#   --key-prefix NAME   KEY_PREFIX of that deployment                [$KEY_PREFIX or image]
#   --live              a screen instead of lines
#   --interval MS       time between two samples                     [1000 on a cluster, 200 locally]
#   --seconds N         stop after N seconds; otherwise with Ctrl-C
#   --help
#
# Exit: 0 stopped, 2 it could not watch at all.
set -euo pipefail
# shellcheck source=lib/common.sh
source "$(dirname "$0")/lib/common.sh"

for option in "$@"; do
  [[ $option != --help && $option != -h ]] || { show_help && exit; }
done
PATH=$root/node_modules/.bin:$PATH
need node
node --eval 'process.exit(process.features.typescript ? 0 : 1)' ||
  fail "watch.sh needs Node 24, which \"npm ci\" in $root brings; this is Node $(node --version)"
exec node "$root/scripts/watch.ts" "$@"
