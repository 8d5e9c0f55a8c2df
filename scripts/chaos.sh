#!/usr/bin/env bash
# Kills all blur workers at once while tiles are in flight, and reports what was lost: the naive queue loses
# those tiles, the lease queue none. It sends one image of slow tiles and uses SIGKILL; the scaler starts new
# workers.
#
# Usage: scripts/chaos.sh [options]
#   --target WHERE      local (a new pipeline on this machine) or cluster           [local]
#   --queue MODE        naive, lease, or both, one after the other                 [both]
#   --image FILE        the image to blur                                          [a drawn one of 35 tiles]
#   --kernel K          odd kernel size, 1 to 255                                  [51]
#   --kills N           how many times the workers are killed                      [1]
#   --workers N         most blur processes (local; a cluster has its own limit)   [4]
#   --url URL           split's address (cluster)            [$SPLIT_URL, else from the cluster]
#   --token-file FILE   a file with the access token, if split requires one (cluster)   [$TESSERA_TOKEN]
#   --namespace NAME    where Tessera is (cluster)           [$TESSERA_NAMESPACE or tessera]
#   --timeout SECONDS   how long each wait may take                                [300]
#   --settle SECONDS    time without changes after which missing tiles are lost     [4]
#   --help
#
# While the workers are killed, writes in Redis are paused (CLIENT PAUSE … WRITE), so that they cannot ack
# their tiles, however fast they are. Each step is printed. The last line of a run is its summary; the line
# before it lists missing tiles. A run in which no worker died with a tile in flight is repeated, up to three
# times.
#
# On a cluster it ends the pods of the last revision, waits until they have left before it sends the image,
# and restores what it changed, however it ends. It only starts if the queue is empty.
#
# Exit: 0 no tile is missing (both: the naive queue lost tiles and the lease queue none), 1 tiles are missing (both: from
# the lease queue), 2 the demonstration could not run, or no worker had a tile in flight when it was killed.
set -euo pipefail
# shellcheck source=lib/common.sh
source "$(dirname "$0")/lib/common.sh"

for option in "$@"; do
  [[ $option != --help && $option != -h ]] || { show_help && exit; }
done
need node
node "$root/scripts/setup.mjs"
PATH=$root/node_modules/.bin:$PATH
TESSERA_TOKEN=$token exec node "$root/chaos/chaos.ts" "$@"
