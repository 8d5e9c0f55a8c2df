# Where Redis keeps its data, and what happens to it. Sourced by deploy.sh after common.sh.
# shellcheck shell=bash disable=SC2154 # the components are deploy.sh's, the namespace is common.sh's

# choose_redis_volume : adds redis-ephemeral if the cluster has no volumes.
choose_redis_volume() {
  local classes
  if with redis-external || with redis-ephemeral || has persistentvolumeclaim redis-data --namespace "$namespace"; then
    return
  fi
  # "true" for the default one, in its annotation of today or in the one before.
  if ! classes=$(kubectl get storageclasses \
    --output 'jsonpath={.items[*].metadata.annotations.storageclass\.kubernetes\.io/is-default-class} {.items[*].metadata.annotations.storageclass\.beta\.kubernetes\.io/is-default-class}'); then
    echo 'note: whether there is a default StorageClass for the volume of Redis could not be looked up'
  elif [[ $classes != *true* ]]; then
    components+=(redis-ephemeral)
    echo 'note: the cluster has no default StorageClass, so Redis keeps its data in its pod. When that is replaced, images in progress, kept uploads and results are lost. docs/DEPLOY.md, "Redis", says how to give it a volume.'
  fi
}

# What is known of the StatefulSet that runs now; all empty if there is none.
redis_found='' redis_service='' redis_policy='' redis_config='' redis_claim=''

look_up_redis() {
  local found
  found=$(kube get statefulset redis --ignore-not-found --output 'jsonpath={.metadata.name}|{.spec.serviceName}|{.spec.podManagementPolicy}|{.spec.template.metadata.annotations.tessera\.dev/config}|{.spec.template.spec.volumes[?(@.name=="data")].persistentVolumeClaim.claimName}')
  IFS='|' read -r redis_found redis_service redis_policy redis_config redis_claim <<<"$found"
}

# guard_redis_data : stops if this deployment would lose the work in progress, because the functions would get
# a Redis without it.
guard_redis_data() {
  local pending
  if [[ -z $redis_found ]] || keeps_data || has_no_data_yet; then
    return
  fi
  pending=$(pending_work 2>"$work/said") ||
    fail "Redis cannot be asked whether it holds work in progress, which would be lost: $(last_words "$work/said"). Deploy again when it replies, or say that it may be lost: kubectl -n $namespace delete statefulset redis"
  ((pending == 0)) ||
    fail "$pending jobs and events in progress would be lost, because the functions would get an empty Redis. Wait until scripts/status.sh shows none, or say that they may be lost: kubectl -n $namespace delete statefulset redis"
  echo 'note: this deployment starts with an empty Redis: the functions no longer see uploads and results in the old one'
}

# has_no_data_yet : whether Redis has never stored anything: its pod has not started, and its volume is in that pod or was
# never provided.
has_no_data_yet() {
  local pod claim
  pod=$(kube get pods --selector app.kubernetes.io/name=redis --output 'jsonpath={.items[*].status.phase}')
  [[ $pod == Pending ]] || return 1
  [[ -n $redis_claim ]] || return 0
  claim=$(kube get persistentvolumeclaim redis-data --ignore-not-found --output 'jsonpath={.status.phase}')
  [[ $claim == Pending ]]
}

# keeps_data : whether Redis still has its data after this deployment: its pod stays, or its volume is used again.
keeps_data() {
  ! with redis-external || return 1
  [[ $redis_config != "$(redis_stamp)" ]] || return 0
  ! with redis-ephemeral && [[ -n $redis_claim ]]
}

pending_work() {
  queue_counts 0 | jq --raw-input --slurp 'split("\n")[:-1] | [range(0; length; 2) as $at | {(.[$at]): .[$at + 1] | tonumber}]
    | add | .queue + .leases + .delayed + .outbox'
}

# make_way_for_redis : deletes a StatefulSet with fields that Kubernetes does not allow to change. Its pod
# keeps running.
make_way_for_redis() {
  [[ -z $redis_found || "$redis_service $redis_policy" == 'redis-pods Parallel' ]] || kube delete statefulset redis --cascade=orphan
}
