#!/usr/bin/env bash
# Removes Tessera from the cluster: services, scaling, Redis, settings. Volumes, Secrets and the namespace
# stay, so that a later deploy finds images and password again. --all removes those too, with everything in
# them.
#
# Usage: scripts/clean.sh [--all] [--namespace NAME] [--timeout SECONDS] [--help]
#
# It looks at the namespace and the kinds of resources of the whole cluster. An account that may not do that can use it too: then a
# note says what it does without.
#
# Exit: 0 removed (also if nothing was there), 2 it could not be done.
set -euo pipefail
# shellcheck source=lib/common.sh
source "$(dirname "$0")/lib/common.sh"

all=false
while (($# > 0)); do
  case $1 in
    --all) all=true && shift ;;
    --namespace) namespace=$(value "$@"); shift 2 ;;
    --timeout) timeout_s=$(value "$@"); shift 2 ;;
    -h | --help) show_help && exit ;;
    *) fail "unknown: $1 (try --help)" ;;
  esac
done
whole --timeout "$timeout_s" 1
need_cluster

# sees CONDITION... : whether the cluster has something, as `has` says. Fails with 3 if this account may not look.
sees() {
  local said status=0
  said=$( ("$@") 2>&1) || status=$?
  ((status < 2)) || [[ $said == *'(Forbidden)'* ]] || { say "$said" >&2 && exit 2; }
  ((status < 2)) || return 3
  return "$status"
}

found=0
sees has namespace "$namespace" || found=$?
if ((found == 1)); then
  echo "removed: nothing, there is no namespace $namespace"
  exit
elif ((found == 3)); then
  echo "note: this account may not look at namespaces; if there is no $namespace, nothing is found in it"
fi

# remove KINDS : removes all of Tessera's resources of these kinds, and waits until they are gone.
remove() {
  try "not all of $1 could be removed" \
    kube delete "$1" --selector app.kubernetes.io/part-of=tessera --ignore-not-found "--timeout=${timeout_s}s"
}

# serves TYPE : whether the cluster has this type of resources. All accounts may list the types that it serves.
serves() {
  local found=0 types
  sees has_crd "$1" || found=$?
  ((found == 3)) || return "$found"
  types=$(kubectl api-resources "--api-group=${1#*.}" --output name) || exit 2
  grep -qx "$1" <<<"$types"
}

# First the resources from which others are made. A resource type that the cluster does not have cannot be
# queried.
for type in triggers.eventing.knative.dev brokers.eventing.knative.dev services.serving.knative.dev scaledobjects.keda.sh triggerauthentications.keda.sh; do
  if serves "$type"; then
    remove "$type"
  fi
done
# An account that never used --with metrics may have no rights to these.
for type in podmonitors.monitoring.coreos.com prometheusrules.monitoring.coreos.com; do
  if serves "$type" && may_list "$type"; then
    remove "$type"
  fi
done
remove deployments,statefulsets,jobs,pods,services,configmaps,networkpolicies,serviceaccounts
if $all; then
  remove persistentvolumeclaims
  kube delete secret redis-auth tessera-redis tessera-redis-split tessera-redis-blur tessera-redis-assemble tessera-auth tessera-tracing --ignore-not-found
  # The label says that deploy.sh or `kubectl apply -k` made it. A namespace without it is left alone.
  found=0
  sees has_label namespace "$namespace" 'app\.kubernetes\.io/part-of' tessera || found=$?
  if ((found == 0)); then
    try "the namespace $namespace could not be removed" \
      kubectl delete namespace "$namespace" --ignore-not-found "--timeout=${timeout_s}s"
    echo "removed: everything, the namespace $namespace and its volumes included"
  elif ((found == 3)); then
    echo "removed: everything in $namespace; the namespace itself stays, because this account may not see who made it"
  else
    echo "removed: everything in $namespace; the namespace itself stays, because Tessera did not make it"
  fi
else
  echo "removed: services, scaling, Redis and settings; volumes, Secrets and the namespace $namespace stay"
fi
