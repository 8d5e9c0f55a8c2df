# Waits for new revisions, and helps them if a busy or full cluster holds them back. Sourced after common.sh
# by the scripts that make revisions; each calls `let_go` when it ends.
# shellcheck shell=bash disable=SC2154 # the root, the namespace and the time-out are common.sh's

kept='' # the revision of blur whose first pod KEDA is told to keep
paused=() # the revisions of blur that have to do without pods meanwhile

# wait_for_services NAME... : waits until the newest revision of each is Ready. Stops with the reason if one
# is not in time.
wait_for_services() {
  local deadline=$((SECONDS + timeout_s)) states name state revision waiting
  echo "waiting until Ready: $*"
  while :; do
    waiting=()
    # A busy API server may fail to answer; then this waits for the next time.
    states=$(service_states "$@") || states=$(printf '%s waiting -\n' "$@")
    while read -r name state revision; do
      [[ $state == waiting ]] || continue
      waiting+=("$name $revision")
      [[ $name != blur ]] || keep_first_pod "$revision"
    done <<<"$states"
    ((${#waiting[@]} > 0)) || return 0
    [[ ${registry-} != "$TESSERA_REGISTRY" ]] || stop_without_images "${waiting[@]}"
    make_room "${waiting[@]}"
    # shellcheck disable=SC2086 # a name and a revision
    ((SECONDS < deadline)) || fail "$(why_not_ready ${waiting[0]})"
    sleep 1
  done
}

# service_states NAME... : prints a line for each: its name, "ready" or "waiting", and the revision that is
# not Ready yet, or "-".
service_states() {
  kube get services.serving.knative.dev "$@" --output json | jq --raw-output '
    (.items // [.])[] | .status as $status
    | ($status.latestCreatedRevisionName // "-") as $newest
    | ($newest != $status.latestReadyRevisionName) as $is_new
    | (any($status.conditions[]?; .type == "Ready" and .status == "True")
        and $status.observedGeneration == .metadata.generation and ($is_new | not)) as $ready
    | "\(.metadata.name) \(if $ready then "ready" else "waiting" end) \(if $is_new then $newest else "-" end)"'
}

# keep_first_pod REVISION : makes KEDA keep a pod of this revision of blur even if the queues are empty, and starts one if
# there is none. Knative calls a revision Ready only after a pod of it has run. If this fails, the next call tries again.
keep_first_pod() {
  if [[ $1 == - ]] || ! seems_to_have scaledobject.keda.sh "$1"; then
    return
  fi
  if [[ $kept != "$1" ]] && mark "$1" force-activation=true; then
    kept=$1
  fi
  if [[ $(kube get deployment "$1-deployment" --ignore-not-found --output 'jsonpath={.spec.replicas}') == 0 ]]; then
    echo "$1 has no pod and was never Ready: bringing one back"
    kube scale deployment "$1-deployment" --replicas=1 >/dev/null || true
  fi
}

# make_room "NAME REVISION"... : if a pod of one of these has found no node with room for some time, removes
# the pods of blur's other revisions and of the fallback overlay's Deployment. Their tiles wait in Redis meanwhile.
make_room() {
  local each revision
  ((${#paused[@]} == 0)) || return 0
  for each in "$@"; do
    is_homeless "${each#* }" || continue
    for revision in $(blur_revisions) blur-worker; do
      if [[ " $* " == *" $revision "* ]] || ! seems_to_have scaledobject.keda.sh "$revision"; then
        continue
      fi
      echo "no node has room for ${each#* }: the pods of $revision make room until it is Ready"
      paused+=("$revision")
      mark "$revision" paused-replicas=0 || true
    done
    return 0
  done
}

# seems_to_have KIND NAME : like `has`, but a call that fails only means "not now": a busy API server is asked again.
seems_to_have() {
  (has "$@" --namespace "$namespace")
}

# mark REVISION ANNOTATION : sets an annotation of KEDA on the ScaledObject of a revision of blur, which has its name.
mark() {
  kube annotate scaledobject.keda.sh "$1" "autoscaling.keda.sh/$2" --overwrite >/dev/null
}

blur_revisions() {
  kube get revisions.serving.knative.dev --selector serving.knative.dev/service=blur --output 'jsonpath={.items[*].metadata.name}'
}

# is_homeless REVISION : whether one of its pods has had no node for 20 s because CPU or memory are short.
is_homeless() {
  [[ $1 != - && $(kube get pods --selector "serving.knative.dev/revision=$1" --output json | jq '
    any(.items[] | select(.metadata.deletionTimestamp == null) | .status.conditions[]?;
      .type == "PodScheduled" and .status == "False" and (.message | test("Insufficient (cpu|memory)"))
        and now - (.lastTransitionTime | fromdate) > 20)') == true ]]
}

# Every live revision of blur keeps a ScaledObject on the same queue, so an old one would continue to take
# tiles with old code. Called when the newest is Ready.
prune_blur_revisions() {
  local newest created ready revision
  newest=$(kube get service.serving.knative.dev blur --output 'jsonpath={.status.latestCreatedRevisionName} {.status.latestReadyRevisionName}')
  read -r created ready <<<"$newest"
  [[ -n $ready && $created == "$ready" ]] || fail "blur's newest revision ($created) is not the ready one ($ready)"
  for revision in $(blur_revisions); do
    [[ $revision == "$ready" ]] || kube delete revision.serving.knative.dev "$revision"
  done
  kept=$ready # also if a killed script left its mark
}

# Gives the scaling back to KEDA. A revision may be gone by now.
let_go() {
  local revision
  [[ -z $kept ]] || mark "$kept" force-activation- 2>/dev/null || true
  for revision in ${paused[@]+"${paused[@]}"}; do
    mark "$revision" paused-replicas- 2>/dev/null || true
  done
}
