# Checks whether the cluster's nodes have room for what is deployed. Sourced by deploy.sh after common.sh.
# shellcheck shell=bash disable=SC2154 # $work and the options are deploy.sh's, the namespace is common.sh's

# tell_short_room : prints which pods would find no node. Only a note, because a cluster may add nodes itself.
tell_short_room() {
  local said without='' redis_millicores=${redis_cpu%m}
  [[ $redis_cpu == *m ]] || redis_millicores=$((redis_cpu * 1000))
  if ! kubectl get nodes --output json >"$work/nodes" 2>/dev/null || ! kubectl get pods --all-namespaces --output json >"$work/pods" 2>/dev/null; then
    echo 'note: whether the nodes have room was not checked: nodes or pods may not be listed'
    return
  fi
  ! with redis-external || without=redis
  said=$(jq --raw-output --arg without "$without" --argjson redis "$redis_millicores" --arg namespace "$namespace" --argjson max "$((10#$max))" \
    --slurpfile nodes "$work/nodes" --slurpfile pods "$work/pods" \
    --from-file "$root/scripts/lib/room.jq" "$root/scripts/lib/pod-requests.json") || said='whether the nodes have room could not be computed'
  [[ -z $said ]] || echo "note: $said"
}
