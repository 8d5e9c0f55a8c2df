# Where Redis keeps its data, and what happens to it. Sourced by deploy.sh after common.sh.
# shellcheck shell=bash disable=SC2154 # the components are deploy.sh's, the namespace is common.sh's

# choose_redis_volume : adds redis-ephemeral if the cluster has no volumes.
choose_redis_volume() {
  local classes
  if with redis-external || with redis-ephemeral || has persistentvolumeclaim redis-data --namespace "$namespace"; then
    return
  fi
  if ! classes=$(kubectl get storageclasses --output json); then
    echo 'note: whether there is a default StorageClass for the volume of Redis could not be looked up'
  elif ! has_default "$classes"; then
    components+=(redis-ephemeral)
    echo 'note: the cluster has no default StorageClass, so Redis keeps its data in its pod. When that is replaced, images in progress, kept uploads and results are lost. docs/DEPLOY.md, "Redis", says how to give it a volume.'
  fi
}

# has_default CLASSES : whether one of the StorageClasses is the cluster's default.
has_default() {
  [[ $(jq 'any(.items[].metadata.annotations // {}; ."storageclass.kubernetes.io/is-default-class" == "true"
    or ."storageclass.beta.kubernetes.io/is-default-class" == "true")' <<<"$1") == true ]]
}

# guard_redis_data : stops if this deployment would lose the work in progress, because the functions would get
# a Redis without it.
guard_redis_data() {
  local now pending
  now=$(kube get statefulset redis --ignore-not-found --output json)
  if [[ -z $now ]] || keeps_data "$now" || has_no_data_yet "$now"; then
    return
  fi
  pending=$(pending_work 2>"$work/said") ||
    fail "Redis cannot be asked whether it holds work in progress, which would be lost: $(last_words "$work/said"). Deploy again when it replies, or say that it may be lost: kubectl -n $namespace delete statefulset redis"
  ((pending == 0)) ||
    fail "$pending jobs and events in progress would be lost, because the functions would get an empty Redis. Wait until scripts/status.sh shows none, or say that they may be lost: kubectl -n $namespace delete statefulset redis"
  echo 'note: this deployment starts with an empty Redis: the functions no longer see uploads and results in the old one'
}

# has_no_data_yet STATEFULSET : whether Redis has never stored anything: its pod has not started, and its volume is in that pod or was
# never provided.
has_no_data_yet() {
  local pod claim
  pod=$(kube get pods --selector app.kubernetes.io/name=redis --output 'jsonpath={.items[*].status.phase}')
  [[ $pod == Pending ]] || return 1
  [[ $(jq 'any(.spec.template.spec.volumes[]; .name == "data" and .persistentVolumeClaim)' <<<"$1") == true ]] || return 0
  claim=$(kube get persistentvolumeclaim redis-data --ignore-not-found --output 'jsonpath={.status.phase}')
  [[ $claim == Pending ]]
}

# keeps_data STATEFULSET : whether Redis still has its data after this deployment: its pod stays, or its
# volume is used again.
keeps_data() {
  ! with redis-external || return 1
  [[ $(jq --arg stamp "$(redis_stamp)" '.spec.template.metadata.annotations."tessera.dev/config" == $stamp' <<<"$1") != true ]] || return 0
  ! with redis-ephemeral && [[ $(jq 'any(.spec.template.spec.volumes[]; .name == "data" and .persistentVolumeClaim)' <<<"$1") == true ]]
}

pending_work() {
  queue_counts 0 | jq --raw-input --slurp 'split("\n")[:-1] | [range(0; length; 2) as $at | {(.[$at]): .[$at + 1] | tonumber}]
    | add | .queue + .leases + .delayed + .outbox'
}

# make_way_for_redis : deletes a StatefulSet with fields that Kubernetes does not allow to change. Its pod
# keeps running.
make_way_for_redis() {
  local found
  found=$(kube get statefulset redis --ignore-not-found --output 'jsonpath={.spec.serviceName} {.spec.podManagementPolicy}')
  [[ -z $found || $found == 'redis-pods Parallel' ]] || kube delete statefulset redis --cascade=orphan
}
