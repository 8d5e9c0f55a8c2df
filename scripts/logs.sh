#!/usr/bin/env bash
# Prints the logs of a function's pods, each line with its pod's name.
#
# Usage: scripts/logs.sh split|blur|assemble|redis|dead-events|keda [options]
#   --follow            continue until stopped
#   --tail N            the last N lines of each pod        [200]
#   --namespace NAME    where Tessera is                    [$TESSERA_NAMESPACE or tessera]
#   --help
#
# Exit: 0 also when no pod is running: a function that has scaled to zero has no logs left here. 2 it could not be done.
set -euo pipefail
# shellcheck source=lib/common.sh
source "$(dirname "$0")/lib/common.sh"

what=''
tail=200
options=()
while (($# > 0)); do
  case $1 in
    --follow) options+=(--follow) && shift ;;
    --tail) tail=$(value "$@"); shift 2 ;;
    --namespace) namespace=$(value "$@"); shift 2 ;;
    -h | --help) show_help && exit ;;
    -*) fail "unknown: $1 (try --help)" ;;
    *)
      [[ -z $what ]] || fail "one too many: $1 (try --help)"
      what=$1 && shift
      ;;
  esac
done
whole --tail "$tail" 0
options+=("--tail=$tail")

# log_function NAME : prints the logs of its pods. Fails if it is not deployed.
log_function() {
  local pods
  need_namespace
  if ! has service.serving.knative.dev "$1" --namespace "$namespace"; then
    [[ $1 != dead-events ]] || fail 'dead-events belongs to the broker overlay, which is not deployed here'
    fail "namespace $namespace has no $1: scripts/deploy.sh deploys it"
  fi
  pods=$(kube get pods --selector "app.kubernetes.io/name=$1" --output name)
  if [[ -z $pods ]]; then
    echo "no $1 pod is running: it has scaled to zero"
  else
    kube logs --selector "app.kubernetes.io/name=$1" --container "$1" --prefix --max-log-requests=50 "${options[@]}"
  fi
}

case $what in
  split | blur | assemble | dead-events) log_function "$what" ;;
  redis)
    need_namespace
    has statefulset redis --namespace "$namespace" || fail "namespace $namespace has no Redis of its own: it was deployed with redis-external"
    kube logs statefulset/redis --container redis "${options[@]}"
    ;;
  keda)
    need_cluster
    at=$(kubectl get deployments --all-namespaces --selector app=keda-operator --output 'jsonpath={.items[*].metadata.namespace}')
    [[ -n $at ]] || fail 'the cluster has no KEDA operator'
    kubectl --namespace "${at%% *}" logs deployment/keda-operator "${options[@]}"
    ;;
  *) fail "\"$what\" is not one of split, blur, assemble, redis, dead-events, keda" ;;
esac
