# Checks what a cluster must have for Tessera. Sourced by deploy.sh after common.sh.
# shellcheck shell=bash disable=SC2154 # the versions and the namespace are common.sh's

missing=()
notes=()
resource_types='' # those below that the cluster has, one per line
serving='' # the Deployments of Knative Serving, as `deployments_in` prints them
version='' # of the Deployment that `finds` has found

# Asks for all types at once. A type that the cluster does not have cannot be queried later.
look_up_resource_types() {
  resource_types=$(kubectl get customresourcedefinition services.serving.knative.dev scaledobjects.keda.sh triggerauthentications.keda.sh \
    podmonitors.monitoring.coreos.com prometheusrules.monitoring.coreos.com \
    triggers.eventing.knative.dev brokers.eventing.knative.dev --ignore-not-found --output name)
}

# has_type TYPE : whether the cluster has this resource type.
has_type() {
  [[ $'\n'$resource_types$'\n' == */"$1"$'\n'* ]]
}

# deployments_in NAMESPACE : prints a line for each Deployment: its name, and the version in its labels.
deployments_in() {
  kubectl get deployments --namespace "$1" \
    --output 'jsonpath={range .items[*]}{.metadata.name} {.metadata.labels.app\.kubernetes\.io/version}{"\n"}{end}'
}

# finds DEPLOYMENT LINES : whether it is in the lines of `deployments_in`. Sets `version`.
finds() {
  local name
  while read -r name version; do
    [[ $name != "$1" ]] || return 0
  done <<<"$2"
  return 1
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
  local said
  said=$(try 'kubectl reaches no cluster' kubectl version --output yaml)
  said=${said##*serverVersion:}
  note_version Kubernetes "${said#*gitVersion: }" "$KUBERNETES_VERSION"
}

check_serving() {
  if ! has_type services.serving.knative.dev || ! finds controller "$serving"; then
    missing+=("Knative Serving $KNATIVE_SERVING_VERSION (scripts/cluster.sh shows how it is installed)")
    return
  fi
  note_version 'Knative Serving' "$version" "$KNATIVE_SERVING_VERSION"
}

# Another networking layer works too.
check_kourier() {
  ! finds net-kourier-controller "$serving" || note_version Kourier "$version" "$KOURIER_VERSION"
}

# kn is optional: no script calls it.
check_kn() {
  ! type -P kn >/dev/null || note_version kn "$(kn version)" "$KNATIVE_SERVING_VERSION"
}

check_keda() {
  local found at
  if ! has_type scaledobjects.keda.sh; then
    missing+=("KEDA $KEDA_VERSION")
    return
  fi
  found=$(kubectl get deployments --all-namespaces --selector app=keda-operator \
    --output 'jsonpath={range .items[*]}{.metadata.namespace} {.metadata.labels.app\.kubernetes\.io/version}{"\n"}{end}')
  read -r at version <<<"$found"
  if [[ -z $at ]]; then
    missing+=("KEDA's operator: its resource types are there, the operator is not")
    return
  fi
  note_version KEDA "$version" "$KEDA_VERSION"
  if [[ $at != keda ]] && ! has_label namespace "$at" 'tessera\.dev/keda' true; then
    missing+=("a label that lets KEDA reach Redis: kubectl label namespace $at tessera.dev/keda=true")
  fi
}

check_extension() {
  if finds autoscaler-keda "$serving"; then
    note_version autoscaler-keda "$version" "$AUTOSCALER_KEDA_VERSION"
  else
    missing+=("the autoscaler-keda extension $AUTOSCALER_KEDA_VERSION (or deploy with --overlay fallback)")
  fi
  if finds autoscaler-hpa "$serving"; then
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
  local eventing
  eventing=$(deployments_in knative-eventing)
  if has_type brokers.eventing.knative.dev && finds mt-broker-ingress "$eventing"; then
    note_version 'Knative Eventing' "$version" "$KNATIVE_EVENTING_VERSION"
  else
    missing+=("Knative Eventing $KNATIVE_EVENTING_VERSION with the channel-based Broker")
  fi
}

check_secrets() {
  local secret
  for secret in redis-auth tessera-redis; do
    has secret "$secret" --namespace "$namespace" || missing+=("the Secret $secret in namespace $namespace (docs/DEPLOY.md: Elsewhere, with TLS)")
  done
}

check_prometheus() {
  if ! has_type podmonitors.monitoring.coreos.com || ! has_type prometheusrules.monitoring.coreos.com; then
    missing+=('the Prometheus operator, for --with metrics')
  fi
}

# check_prerequisites OVERLAY COMPONENT... : stops and lists everything that is missing.
check_prerequisites() {
  local component
  check_kubernetes
  look_up_resource_types
  serving=$(deployments_in knative-serving)
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
