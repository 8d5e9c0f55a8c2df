#!/usr/bin/env bash
# Kills every blur worker at once, with tiles in their hands, and tells what was lost: the naive queue loses those
# tiles, the lease queue none. Slow tiles, one image, SIGKILL without warning, and the scaler brings the workers back.
#
# Usage: scripts/chaos.sh [options]
#   --target WHERE      local (a line of its own on this machine) or cluster       [local]
#   --queue MODE        naive, lease, or both, one after the other                 [both]
#   --image FILE        the image to blur                                          [a drawn one of 35 tiles]
#   --kernel K          odd kernel size, 1 to 255                                  [51]
#   --kills N           how many times the workers are killed                      [1]
#   --workers N         most blur processes (local; a cluster has its own limit)   [4]
#   --url URL           split's address (cluster)            [$SPLIT_URL, else asked of the cluster]
#   --token-file FILE   where the access token is, if split asks for one (cluster)   [$TESSERA_TOKEN]
#   --namespace NAME    where Tessera is (cluster)           [$TESSERA_NAMESPACE or tessera]
#   --timeout SECONDS   how long each wait may take (cluster)                      [300]
#   --settle SECONDS    how long nothing may move before what is missing is lost (cluster)   [20]
#   --help
#
# While the workers are killed Redis holds its writes (CLIENT PAUSE … WRITE), so that what they have in hand cannot be
# handed in, whatever their speed. The line at the end of a run tells what came of it; before it, which tiles are missing.
#
# Exit: 0 no tile is missing (both: the naive queue lost tiles and the lease queue none), 1 tiles are missing (both: from
# the lease queue), 2 the demonstration could not run, or no worker had a tile in hand when it was killed.
set -euo pipefail
# shellcheck source=lib/common.sh
source "$(dirname "$0")/lib/common.sh"

target=local
queue=both
image=''
kernel=51
kills=1
workers=4
settle_s=20
missing_count=0
url=${SPLIT_URL:-}
while (($# > 0)); do
  case $1 in
    --target) target=$(value "$@") && shift 2 ;;
    --queue) queue=$(value "$@") && shift 2 ;;
    --image) image=$(value "$@") && shift 2 ;;
    --kernel) kernel=$(value "$@") && shift 2 ;;
    --kills) kills=$(value "$@") && shift 2 ;;
    --workers) workers=$(value "$@") && shift 2 ;;
    --url) url=$(value "$@") && shift 2 ;;
    --token-file) token_file=$(value "$@") && shift 2 ;;
    --namespace) namespace=$(value "$@") && shift 2 ;;
    --timeout) timeout_s=$(value "$@") && shift 2 ;;
    --settle) settle_s=$(value "$@") && shift 2 ;;
    --help) show_help && exit ;;
    *) fail "unknown: $1 (--help tells more)" ;;
  esac
done
[[ $target =~ ^(local|cluster)$ ]] || fail "--target is local or cluster, not \"$target\""
[[ $queue =~ ^(naive|lease|both)$ ]] || fail "--queue is naive, lease or both, not \"$queue\""
whole --kernel "$kernel" 1
((kernel % 2 == 1 && kernel <= 255)) || fail "--kernel is an odd number from 1 to 255, not \"$kernel\""
whole --kills "$kills" 1
whole --workers "$workers" 1
whole --timeout "$timeout_s" 1
whole --settle "$settle_s" 1
[[ -z $image || -r $image ]] || fail "$image cannot be read"

# Node and the packages of this project, on a machine that never ran it too.
prepare_node() {
  need node
  node "$root/scripts/setup.mjs"
  PATH=$root/node_modules/.bin:$PATH
}

if [[ $target == local ]]; then
  prepare_node
  exec node "$root/chaos/chaos.ts" --queue "$queue" --kernel "$kernel" --kills "$kills" --workers "$workers" ${image:+--image "$image"}
fi

need kubectl curl jq
url=${url:-$(split_url)}
url=${url%/}
[[ -n $url ]] || fail "namespace $namespace has no split with a URL: scripts/deploy.sh, or give --url"
work=$(mktemp -d)
if [[ -z $image ]]; then
  prepare_node
  image=$work/landscape.png
  node "$root/chaos/sample.ts" "$image"
fi
# shellcheck source=lib/chaos-cluster.sh
source "$root/scripts/lib/chaos-cluster.sh"
trap restore EXIT
trap 'exit 130' INT TERM
prepare_token "$work"

if [[ $queue != both ]]; then
  run_mode "$queue"
  ((missing_count == 0)) || exit 1
  exit
fi
run_mode naive
missing_naive=$missing_count
run_mode lease
printf '\n%-16s%9s%9s\n%-16s%9s%9s\n' '' naive lease 'tiles missing' "$missing_naive" "$missing_count"
((missing_count == 0)) || exit 1
((missing_naive > 0)) || fail 'the naive queue lost nothing, so this proves nothing'
