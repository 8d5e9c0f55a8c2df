# Says in one line why something that was deployed does not become ready. Sourced after common.sh.
# shellcheck shell=bash disable=SC2154 # the root and the namespace are common.sh's

# why_not_ready NAME REVISION : prints why a Knative Service is not Ready. REVISION is its new revision, or "-".
why_not_ready() {
  local reason=''
  if [[ $2 != - ]]; then
    reason=$(pod_trouble "serving.knative.dev/revision=$2")
    [[ -n $reason || $1 != blur ]] || reason=$(scaling_trouble "$2")
  fi
  [[ -n $reason ]] || reason=$(kube get service.serving.knative.dev "$1" --output 'jsonpath={.status.conditions[?(@.type=="Ready")].message}')
  echo "$1 is not Ready after $timeout_s s: ${reason:-Knative does not say why (kubectl -n $namespace describe service.serving.knative.dev $1)}"
}

# wait_for_redis : waits until Redis is ready. Stops with the reason if it is not in time.
wait_for_redis() {
  local said reason failed=false
  { said=$(kube rollout status statefulset/redis "--timeout=${timeout_s}s" 2>&1 >&3 3>&-) || failed=true; } 3>&1
  $failed || return 0
  reason=$(pod_trouble app.kubernetes.io/name=redis)
  fail "Redis is not ready after $timeout_s s: ${reason:-${said#error: } (scripts/logs.sh redis may tell why)}"
}

# pod_trouble SELECTOR : prints the first problem that keeps one of these pods from being ready, or nothing.
pod_trouble() {
  local trouble claim
  trouble=$(kube get pods --selector "$1" --output json | jq --raw-output --from-file "$root/scripts/lib/pod-trouble.jq")
  # A pod that waits for its volume does not say why the volume is missing.
  if [[ $trouble == *' is Pending: '* && $trouble != *Insufficient* ]]; then
    claim=$(pending_claim)
  fi
  echo "${claim:-$trouble}"
}

pending_claim() {
  local claim events
  claim=$(kube get persistentvolumeclaims --selector app.kubernetes.io/part-of=tessera --output 'jsonpath={.items[?(@.status.phase=="Pending")].metadata.name}')
  claim=${claim%% *}
  [[ -n $claim ]] || return 0
  events=$(kube get events --field-selector "involvedObject.kind=PersistentVolumeClaim,involvedObject.name=$claim" --output json)
  echo "the volume claim $claim is Pending: $(jq --raw-output '.items | last | .message // "Kubernetes does not say why"' <<<"$events")"
}

# stop_without_images "NAME REVISION"... : stops if an image is missing on its node. Images without a registry are built
# and loaded, so Kubernetes cannot pull them later. If a busy API server does not answer, the next call asks again.
stop_without_images() {
  local each reasons
  for each in "$@"; do
    [[ ${each#* } != - ]] || continue
    reasons=$(kube get pods --selector "serving.knative.dev/revision=${each#* }" \
      --output 'jsonpath={.items[*].status.containerStatuses[?(@.name!="queue-proxy")].state.waiting.reason}' 2>/dev/null) || continue
    [[ $reasons != *ErrImage* && $reasons != *ImagePullBackOff* ]] ||
      fail "the image of ${each%% *} is not on the node: scripts/cluster.sh images builds that of this code and loads it"
  done
}

# wait_for_volume : waits until the Job has prepared the volume. Stops at once if the Job has failed, with the last problem of its
# pod, which Kubernetes removes with the failed Job.
wait_for_volume() {
  local deadline=$((SECONDS + timeout_s)) state trouble='' last=''
  echo 'waiting until the volume is prepared'
  while :; do
    # A busy API server may fail to answer; then this asks again.
    state=$(kube get job prepare-volume --output 'jsonpath={.status.conditions[?(@.status=="True")].type}' 2>/dev/null) || state=''
    case " $state " in
      *' Complete '*) return ;;
      *' Failed '*) fail "the volume could not be prepared: ${last:-kubectl -n $namespace describe job prepare-volume may say why}" ;;
    esac
    trouble=$(pod_trouble app.kubernetes.io/name=prepare-volume 2>/dev/null) || trouble=''
    last=${trouble:-$last}
    ((SECONDS < deadline)) || fail "the volume is not prepared after $timeout_s s: ${last:-kubectl -n $namespace describe job prepare-volume may say why}"
    sleep 1
  done
}

# scaling_trouble REVISION : prints the problem of KEDA that keeps this revision of blur from being Ready, or nothing.
scaling_trouble() {
  if ! has scaledobject.keda.sh "$1" --namespace "$namespace"; then
    echo "autoscaler-keda made no ScaledObject $1: is its pod in knative-serving running?"
    return
  fi
  kube get scaledobject.keda.sh "$1" --output json | jq --raw-output '
    (.status.conditions // [] | map(select(.type == "Ready")) | first) as $ready
    | if $ready == null then "KEDA has not looked at the ScaledObject \(.metadata.name): is its operator running?"
      elif $ready.status != "True" then "KEDA: \($ready.message) (scripts/logs.sh keda)"
      else empty end'
}
