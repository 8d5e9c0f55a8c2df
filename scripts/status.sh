#!/usr/bin/env bash
# Shows what is deployed and what it is doing: services, revisions, pods, KEDA's scaling, the queues, and how
# many of the newest 1000 images are done, failed, cancelled and in progress. It calls no function, so it
# wakes nothing.
#
# Usage: scripts/status.sh [--namespace NAME] [--help]
#
# Exit: 0 all of it was shown, 2 a part was not available.
set -euo pipefail
# shellcheck source=lib/common.sh
source "$(dirname "$0")/lib/common.sh"

while (($# > 0)); do
  case $1 in
    --namespace) namespace=$(value "$@"); shift 2 ;;
    -h | --help) show_help && exit ;;
    *) fail "unknown: $1 (try --help)" ;;
  esac
done
need_namespace

all_shown=true

# show TITLE COMMAND... : prints one part of the report. If it fails, the others are still shown.
show() {
  echo "== $1"
  ("${@:2}") || { echo '(not available)' && all_shown=false; }
  echo
}

show_scaling() {
  if has_crd scaledobjects.keda.sh; then
    kube get scaledobjects.keda.sh,horizontalpodautoscalers
  else
    echo 'KEDA is not installed'
  fi
}

# The queues in one line, the newest 1000 images by state in the next.
show_counts() {
  if ! has statefulset redis --namespace "$namespace"; then
    echo "no Redis of its own in the namespace $namespace"
    return
  fi
  queue_counts 1000 | paste -sd ' ' - | sed 's/ done /\nimages: done /; s/inProgress/in progress/; 1s/^/work: /'
}

show 'Knative services' kube get services.serving.knative.dev
show 'Revisions' kube get revisions.serving.knative.dev
show 'Pods' kube get pods --output wide
show 'Scaling (KEDA)' show_scaling
show 'Work and images (name, count)' show_counts
$all_shown || exit 2
