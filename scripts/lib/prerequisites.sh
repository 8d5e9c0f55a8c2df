# Checks what a cluster must have for Tessera. Sourced by deploy.sh after common.sh.
# shellcheck shell=bash disable=SC2154 # the versions and the namespace are common.sh's

missing=()
notes=()

# version_of NAMESPACE DEPLOYMENT : prints the version in its labels, or nothing.
version_of() {
  kubectl --namespace "$1" get deployment "$2" --output 'jsonpath={.metadata.labels.app\.kubernetes\.io/version}'
}

# note_version WHAT FOUND TESTED : adds a note if the minor versions differ, or cannot be compared.
note_version() {
  if ! [[ $2 =~ ([0-9]+\.[0-9]+)\.[0-9]+ ]]; then
    notes+=("$1 does not say its version; Tessera is made for ${3%.*}")
  elif [[ ${BASH_REMATCH[1]} != "${3%.*}" ]]; then
    notes+=("$1 is ${BASH_REMATCH[0]}; Tessera is made for ${3%.*}")
  fi
}

check_kubernetes() {
  local found
  found=$(kubectl version --output yaml | sed -n '/^serverVersion:/,$s/^ *gitVersion: *//p')
  note_version Kubernetes "$found" "$KUBERNETES_VERSION"
}

check_serving() {
  if ! has_crd services.serving.knative.dev || ! has deployment controller --namespace knative-serving; then
    missing+=("Knative Serving $KNATIVE_SERVING_VERSION (scripts/cluster.sh shows how it is installed)")
    return
  fi
  note_version 'Knative Serving' "$(version_of knative-serving controller)" "$KNATIVE_SERVING_VERSION"
}

# Another networking layer works too.
check_kourier() {
  ! has deployment net-kourier-controller --namespace knative-serving ||
    note_version Kourier "$(version_of knative-serving net-kourier-controller)" "$KOURIER_VERSION"
}

# kn is optional: no script calls it.
check_kn() {
  ! type -P kn >/dev/null || note_version kn "$(kn version | sed -n 's/^Version: *//p')" "$KNATIVE_SERVING_VERSION"
}

check_keda() {
  local at
  if ! has_crd scaledobjects.keda.sh; then
    missing+=("KEDA $KEDA_VERSION")
    return
  fi
  at=$(kubectl get deployments --all-namespaces --selector app=keda-operator --output 'jsonpath={.items[*].metadata.namespace}')
  if [[ -z $at ]]; then
    missing+=("KEDA's operator: its resource types are there, the operator is not")
    return
  fi
  note_version KEDA "$(version_of "$at" keda-operator)" "$KEDA_VERSION"
  if [[ $at != keda ]] && ! has_label namespace "$at" 'tessera\.dev/keda' true; then
    missing+=("a label that lets KEDA reach Redis: kubectl label namespace $at tessera.dev/keda=true")
  fi
}

check_extension() {
  if ! has deployment autoscaler-keda --namespace knative-serving; then
    missing+=("the autoscaler-keda extension $AUTOSCALER_KEDA_VERSION (or deploy with --overlay fallback)")
  else
    note_version autoscaler-keda "$(version_of knative-serving autoscaler-keda)" "$AUTOSCALER_KEDA_VERSION"
  fi
  if has deployment autoscaler-hpa --namespace knative-serving; then
    missing+=("the absence of serving-hpa, which would fight over blur: kubectl -n knative-serving delete deployment autoscaler-hpa")
  fi
}

check_volume_flags() {
  local flag setting
  for flag in persistent-volume-claim persistent-volume-write; do
    setting=$(kubectl --namespace knative-serving get configmap config-features --output "jsonpath={.data.kubernetes\.podspec-$flag}")
    if [[ $setting != enabled ]]; then
      missing+=("Knative's flag kubernetes.podspec-$flag: kubectl -n knative-serving patch configmap config-features --type merge -p '{\"data\":{\"kubernetes.podspec-$flag\":\"enabled\"}}'")
    fi
  done
}

check_eventing() {
  if ! has_crd brokers.eventing.knative.dev || ! has deployment mt-broker-ingress --namespace knative-eventing; then
    missing+=("Knative Eventing $KNATIVE_EVENTING_VERSION with the channel-based Broker")
  else
    note_version 'Knative Eventing' "$(version_of knative-eventing mt-broker-ingress)" "$KNATIVE_EVENTING_VERSION"
  fi
}

check_secrets() {
  local secret
  for secret in redis-auth tessera-redis; do
    has secret "$secret" --namespace "$namespace" || missing+=("the Secret $secret in namespace $namespace (docs/DEPLOY.md: Elsewhere, with TLS)")
  done
}

check_prometheus() {
  if ! has_crd podmonitors.monitoring.coreos.com || ! has_crd prometheusrules.monitoring.coreos.com; then
    missing+=('the Prometheus operator, for --with metrics')
  fi
}

# check_prerequisites OVERLAY COMPONENT... : stops and lists everything that is missing.
check_prerequisites() {
  local component
  need_cluster
  check_kubernetes
  check_serving
  check_kourier
  check_kn
  check_keda
  [[ $1 == fallback ]] || check_extension
  [[ $1 != pvc ]] || check_volume_flags
  [[ $1 != broker ]] || check_eventing
  for component in "${@:2}"; do
    [[ $component != redis-external ]] || check_secrets
    [[ $component != metrics ]] || check_prometheus
  done
  ((${#notes[@]} == 0)) || printf 'note: %s\n' "${notes[@]}"
  ((${#missing[@]} == 0)) && return
  echo 'The cluster lacks:' >&2
  printf '  - %s\n' "${missing[@]}" >&2
  exit 1
}
