#!/usr/bin/env bash
# Sets the ceiling of blur: how many pods KEDA may start for the queue (NUM_WORKERS). Without work there are none. Knative
# keeps the ceiling in the revision, so this creates a new revision and removes the old one.
#
# Usage: scripts/scale.sh N [--namespace NAME] [--timeout SECONDS] [--help]
#
# Exit: 0 set and ready, 2 it could not be done.
set -euo pipefail
# shellcheck source=lib/common.sh
source "$(dirname "$0")/lib/common.sh"
# shellcheck source=lib/rollout.sh
source "$root/scripts/lib/rollout.sh"
# shellcheck source=lib/why-not-ready.sh
source "$root/scripts/lib/why-not-ready.sh"

ceiling=''
while (($# > 0)); do
  case $1 in
    --namespace) namespace=$(value "$@"); shift 2 ;;
    --timeout) timeout_s=$(value "$@"); shift 2 ;;
    -h | --help) show_help && exit ;;
    -*) fail "unknown: $1 (try --help)" ;;
    *)
      [[ -z $ceiling ]] || fail "one too many: $1 (try --help)"
      ceiling=$1 && shift
      ;;
  esac
done
whole N "$ceiling" 1
whole --timeout "$timeout_s" 1
need jq
need_namespace

# floor : prints how many pods start at once (deploy.sh --floor).
floor() {
  if is_fallback; then
    kube get scaledobject.keda.sh blur-worker --output 'jsonpath={.spec.minReplicaCount}'
  else
    kube get service.serving.knative.dev blur --output 'jsonpath={.spec.template.metadata.annotations.autoscaling\.knative\.dev/scaled-object-override}' |
      sed -n 's/^ *"minReplicaCount": \([0-9]*\).*/\1/p'
  fi
}

lowest=$(floor)
((10#$ceiling >= ${lowest:-0})) || fail "$lowest pods start at once when there is work: deploy.sh --floor sets that number"
if is_fallback; then
  kube patch scaledobject.keda.sh blur-worker --type merge --patch "{\"spec\":{\"maxReplicaCount\":$((10#$ceiling))}}"
else
  kube patch service.serving.knative.dev blur --type merge \
    --patch "{\"spec\":{\"template\":{\"metadata\":{\"annotations\":{\"autoscaling.knative.dev/max-scale\":\"$((10#$ceiling))\"}}}}}"
  trap let_go EXIT
  wait_for_services blur
  prune_blur_revisions
fi
echo "blur: 0 to $((10#$ceiling)) pods"
