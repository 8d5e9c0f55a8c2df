# The chaos demonstration on a cluster. Sourced by chaos.sh.
# shellcheck shell=bash disable=SC2154 # the options are chaos.sh's, the rest common.sh's

tries=3
saved_env=''
is_frozen=false
sent_id=''
sender=''
watcher=''

# setting NAME : what the ConfigMap of the functions says.
setting() {
  kube get configmap tessera --output "jsonpath={.data.$1}"
}

# What runs the workers: a Knative Service, or a plain Deployment in the fallback overlay.
blur_resource() {
  if is_fallback; then
    echo deployment.apps/blur-worker
  else
    echo service.serving.knative.dev/blur
  fi
}

blur_pods() {
  if is_fallback; then
    echo app.kubernetes.io/name=blur,app.kubernetes.io/component=worker
  else
    echo serving.knative.dev/service=blur
  fi
}

blur_env() {
  kube get "$(blur_resource)" --output 'jsonpath={.spec.template.spec.containers[0].env}'
}

# put_blur_env ENV : gives blur this list of variables and waits until its workers are the ones that have it.
put_blur_env() {
  local patch
  patch=$(jq --null-input --compact-output --argjson env "$1" '[{op: "add", path: "/spec/template/spec/containers/0/env", value: $env}]')
  kube patch "$(blur_resource)" --type json --patch "$patch" >/dev/null
  wait_until 'blur to take its new settings' settings_are_seen
  if is_fallback; then
    kube rollout status deployment/blur-worker "--timeout=${timeout_s}s" >/dev/null
  else
    wait_ready service.serving.knative.dev/blur >/dev/null
    prune_blur_revisions >/dev/null
  fi
}

settings_are_seen() {
  [[ $(kube get "$(blur_resource)" --output 'jsonpath={.metadata.generation} {.status.observedGeneration}') =~ ^([0-9]+)\ ([0-9]+)$ ]] &&
    [[ ${BASH_REMATCH[1]} == "${BASH_REMATCH[2]}" ]]
}

# use_mode MODE : has blur work in this queue mode; nothing is changed where it does already.
use_mode() {
  local env now
  env=$(blur_env)
  now=$(jq --raw-output '(map(select(.name == "QUEUE_MODE")) | last | .value) // empty' <<<"${env:-[]}")
  [[ ${now:-$(setting QUEUE_MODE)} != "$1" ]] || return 0
  saved_env=${saved_env:-${env:-[]}}
  put_blur_env "$(jq --compact-output --arg mode "$1" 'map(select(.name != "QUEUE_MODE")) + [{name: "QUEUE_MODE", value: $mode}]' <<<"${env:-[]}")"
}

# What was changed is put back, whatever ended the script.
restore() {
  local status=$?
  trap - EXIT
  set +e
  # shellcheck disable=SC2086 # none, one or two of them
  kill $sender $watcher 2>/dev/null
  if $is_frozen; then
    redis client unpause >/dev/null
  fi
  give_up_image
  if [[ -n $saved_env ]]; then
    put_blur_env "$saved_env"
  fi
  rm -rf "$work"
  exit "$status"
}

# An image that lost tiles would hold its memory for ever.
give_up_image() {
  [[ -z $sent_id ]] || request --request DELETE --max-time 30 "$url/images/$sent_id" --output /dev/null || true
  sent_id=''
}

# wait_until WHAT COMMAND... : stops when it does not come true in time.
wait_until() {
  local end=$((SECONDS + timeout_s))
  until "${@:2}"; do
    ((SECONDS < end)) || fail "waited $timeout_s s for $1"
    sleep 0.5
  done
}

# are_forgotten ADDRESSES : Redis has noticed that every connection from there is gone. What they had sent, and it held
# back, is dropped by then.
are_forgotten() {
  local clients address
  clients=$(redis client list)
  for address in $1; do
    [[ $clients != *" addr=$address:"* ]] || return 1
  done
}

# hold_writes : watches for the image, called `name`, and holds Redis's writes with tiles of it in hand; see
# chaos-in-redis.sh. Runs beside this script; "$work/watch" is what it says.
hold_writes() {
  local running
  running=$(kube get pods --selector "$(blur_pods)" --field-selector status.phase=Running --output name | wc -l)
  is_frozen=true
  : >"$work/watch"
  kube exec --stdin statefulset/redis --container redis -- sh -s -- "$prefix" "$name" $((running > 1 ? running : 1)) \
    "$timeout_s" "$lost" "${dead:-none}" <"$root/scripts/lib/chaos-in-redis.sh" >"$work/watch" &
  watcher=$!
  wait_until 'the watch in the Redis pod to begin' grep -q watching "$work/watch"
}

# Kills every blur pod, once writes are held. `held` is how many tiles they had; 0 when the image was over before.
kill_workers() {
  local addresses
  wait "$watcher" || fail 'the watch in the Redis pod failed'
  read -r held _ < <(tail -n 1 "$work/watch")
  if ((held == 0)); then
    is_frozen=false
    return
  fi
  sent_id=$(tail -n 1 "$work/watch" | cut -d ' ' -f 2)
  addresses=$(kube get pods --selector "$(blur_pods)" --output 'jsonpath={.items[*].status.podIP}')
  kube delete pod --selector "$(blur_pods)" --grace-period=0 --force >/dev/null 2>&1
  wait_until 'the killed pods to be gone from Redis' are_forgotten "$addresses"
  if [[ $mode == lease ]]; then
    dead=$({ tr '|' '\n' <<<"$dead" && redis hvals "$prefix:$sent_id:tokens"; } | sed '/^$/d' | sort -u | paste -sd '|' -)
  else
    lost=$((lost + held))
  fi
  redis client unpause >/dev/null
  is_frozen=false
  echo "killed $(wc -w <<<"$addresses" | tr -d ' ') workers with $held tiles in hand"
}

# Has split take the image, beside this script: while writes are held it waits too.
send_image() {
  request --show-error --fail-with-body --retry 8 --max-time "$timeout_s" --output "$work/answer" \
    --header 'content-type: application/octet-stream' --data-binary "@$image" "$url/?name=$name&kernel=$kernel" &
  sender=$!
}

# Waits for split's answer.
image_is_sent() {
  wait "$sender" || fail "split refused the image: $(cat "$work/answer")"
  sent_id=$(jq --raw-output .id "$work/answer")
  expected=$(jq --raw-output .tiles "$work/answer")
}

# How things stand: state, processed, jobs_in_queue, results_in_queue and in_flight. The state comes first: what is counted
# once the image is over is final.
count() {
  state=$(redis hget "$prefix:$sent_id:meta" state)
  processed=$expected
  [[ $state == 'done' ]] || processed=$(redis scard "$prefix:$sent_id:done")
  jobs_in_queue=$(redis llen "$prefix:job:queue")
  results_in_queue=$(redis zcard "$prefix:outbox")
  in_flight=$(($(redis zcard "$prefix:job:leases") + $(redis zcard "$prefix:job:delayed")))
}

# Waits until the image is over, or nothing of it moves any more.
settle() {
  local end=$((SECONDS + timeout_s)) moved=$SECONDS before='' now
  while ((SECONDS < end && SECONDS - moved <= settle_s)); do
    count
    [[ $state != 'done' && $state != failed ]] || return 0
    now="$state $processed"
    if [[ $now != "$before" ]] || ((jobs_in_queue + results_in_queue + in_flight > 0)); then
      moved=$SECONDS
    fi
    before=$now
    sleep 0.5
  done
}

# The missing tiles, if any, and the line that tells all. Sets missing_count.
report() {
  local output=absent
  missing_count=$((expected - processed))
  if ((missing_count > 0)); then
    echo "missing tiles: $(missing_tiles | paste -sd ' ' -)"
  fi
  if request --fail --head --max-time 30 --output /dev/null "$url/images/$sent_id/result"; then
    output=present
    sent_id=''
  else
    give_up_image
  fi
  echo "queue=$mode expected=$expected processed=$processed jobs_in_queue=$jobs_in_queue results_in_queue=$results_in_queue in_flight=$in_flight missing=$missing_count output=$output"
}

# Tiles that are not among those done.
missing_tiles() {
  local finished tile
  finished=" $(redis smembers "$prefix:$sent_id:done" | tr '\r\n' '  ') "
  for ((tile = 0; tile < expected; tile++)); do
    [[ $finished == *" $tile "* ]] || echo "$tile"
  done
}

queue_is_empty() {
  (($(redis llen "$prefix:job:queue") + $(redis zcard "$prefix:job:leases") + $(redis zcard "$prefix:job:delayed") == 0))
}

# run_mode MODE : one demonstration, made again when nobody had a tile in hand.
run_mode() {
  local attempt round killed
  mode=$1
  prefix=$(setting KEY_PREFIX)
  prefix=${prefix:-image}
  queue_is_empty || fail 'the queue is not empty: this would kill the workers of others'
  use_mode "$mode"
  for ((attempt = 1; attempt <= tries; attempt++)); do
    # A name of its own: the same image under the same name would be the one of the run before.
    name=chaos-$mode-$(date +%s)-$$-$attempt.png
    lost=0
    dead=''
    killed=0
    for ((round = 1; round <= kills; round++)); do
      hold_writes
      ((round > 1)) || send_image
      kill_workers
      ((held > 0)) || break
      killed=$round
    done
    image_is_sent
    if ((killed > 0)); then
      ((killed == kills)) || echo "the image was over after $killed of $kills kills"
      settle
      report
      return
    fi
    give_up_image
    echo "queue=$mode: no worker had a tile in hand (try $attempt of $tries)" >&2
  done
  fail 'no worker was ever killed with a tile in hand'
}
