#!/usr/bin/env bash
# Copies everything in Redis (queues, images in progress, and with STORE=redis uploads and results) to a file,
# and back. Redis keeps running during a save. It is stopped during a restore: split answers 503 for about a
# minute, and changes since the backup are lost.
#
# Usage: scripts/backup.sh save FILE       writes FILE, an RDB file that only its owner may read
#        scripts/backup.sh restore FILE    replaces everything in Redis by FILE
# Options:
#   --namespace NAME    where Tessera is                          [$TESSERA_NAMESPACE or tessera]
#   --timeout SECONDS   how long to wait for each part            [300]
#   --help
#
# Exit: 0 done, 2 it could not be done.
set -euo pipefail
# shellcheck source=lib/common.sh
source "$(dirname "$0")/lib/common.sh"
# shellcheck source=lib/why-not-ready.sh
source "$root/scripts/lib/why-not-ready.sh"

words=()
while (($# > 0)); do
  case $1 in
    --namespace) namespace=$(value "$@"); shift 2 ;;
    --timeout) timeout_s=$(value "$@"); shift 2 ;;
    -h | --help) show_help && exit ;;
    -*) fail "unknown: $1 (try --help)" ;;
    *) words+=("$1") && shift ;;
  esac
done
if ((${#words[@]} != 2)) || [[ ${words[0]} != save && ${words[0]} != restore ]]; then
  fail 'one of these is required: save FILE, restore FILE (try --help)'
fi
file=${words[1]}
whole --timeout "$timeout_s" 1
need jq

save() {
  umask 077
  { [[ ! -d $file ]] && : >"$file.part"; } 2>/dev/null || fail "$file cannot be written"
  try 'Redis could not be saved' kube exec statefulset/redis --container redis -- \
    sh -ec 'redis-cli --rdb /data/backup.rdb >&2 && cat /data/backup.rdb && rm /data/backup.rdb' >"$file.part"
  is_rdb "$file.part" || fail "Redis did not send an RDB file: $file.part"
  mv "$file.part" "$file"
  echo "saved: $file, $(wc -c <"$file" | tr -d ' ') bytes"
}

is_rdb() {
  [[ $(head -c 5 "$1" | tr -d '\0') == REDIS ]]
}

restore() {
  has persistentvolumeclaim redis-data --namespace "$namespace" ||
    fail 'Redis has no volume here to restore to: it was deployed with redis-ephemeral or redis-external'
  trap start_redis EXIT
  kube scale statefulset redis --replicas=0
  kube wait --for=delete pod/redis-0 "--timeout=${timeout_s}s"
  kube apply --filename "$root/knative/redis-restore.pod.yaml"
  kube wait --for=condition=Ready pod/redis-restore "--timeout=${timeout_s}s"
  try 'the backup could not be put on the volume' \
    kube exec redis-restore --stdin -- sh -c "$(<"$root/scripts/lib/put-backup.sh")" put-backup /data <"$file"
  start_redis
  trap - EXIT
  wait_for_redis
  echo "restored: $file"
}

# Redis is started even if the other pod cannot be removed.
start_redis() {
  kube delete pod redis-restore --ignore-not-found "--timeout=${timeout_s}s" || true
  kube scale statefulset redis --replicas=1
}

if [[ ${words[0]} == restore ]]; then
  [[ -r $file ]] || fail "$file cannot be read"
  is_rdb "$file" || fail "$file is not an RDB file"
fi
need_namespace
has statefulset redis --namespace "$namespace" || fail "namespace $namespace has no Redis of its own"
"${words[0]}"
