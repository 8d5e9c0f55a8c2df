#!/usr/bin/env bash
# Deploys Tessera to kubectl's current cluster: checks what the cluster must have and says what is missing,
# applies an overlay, waits until it is ready, removes blur's old revisions, and prints split's URL. Run it
# again after any change: it changes only what differs.
#
# Usage: scripts/deploy.sh [options]
#   --overlay NAME      default, pvc, broker or fallback (see docs/DEPLOY.md)         [default]
#   --with COMPONENT    auth, redis-ephemeral, redis-auth, redis-external, s3, done-sink, tracing or metrics;
#                       may be repeated
#   --input PLACE       with s3: where images are, s3://BUCKET/PREFIX         [s3://tessera/input]
#   --output PLACE      with s3: where results go                             [s3://tessera/output]
#   --s3-endpoint URL   with s3: the service, if it is not AWS
#   --s3-region NAME    with s3: its region, if the pods cannot find it
#   --s3-role ARN       with s3: the role of split and assemble on EKS, instead of keys in the Secret tessera-s3
#   --namespace NAME    the namespace                                  [$TESSERA_NAMESPACE or tessera]
#   --registry NAME     where the images are: NAME/tessera-split …    [dev.local]
#   --tag TAG           their tag                                     [that of this code: VERSION-CHECKSUM]
#   --digests FILE      their digests instead, as images.sh --digests wrote them
#   --max N             most blur pods                                [$NUM_WORKERS or 4]
#   --redis-cpu CPU     what Redis gets: 250m is for two cores, 1 for more     [250m]
#   --floor N           blur pods that start at once when there is work   [1]
#   --timeout SECONDS   how long to wait for each part                [300]
#   --print             only print what would be applied
#   --help
#
# Exit: 0 deployed and ready, 1 the cluster lacks something, 2 it could not be done.
set -euo pipefail
# shellcheck source=lib/common.sh
source "$(dirname "$0")/lib/common.sh"
# shellcheck source=lib/images.sh
source "$root/scripts/lib/images.sh"
# shellcheck source=lib/prerequisites.sh
source "$root/scripts/lib/prerequisites.sh"
# shellcheck source=lib/secrets.sh
source "$root/scripts/lib/secrets.sh"
# shellcheck source=lib/room.sh
source "$root/scripts/lib/room.sh"
# shellcheck source=lib/redis-volume.sh
source "$root/scripts/lib/redis-volume.sh"
# shellcheck source=lib/compose.sh
source "$root/scripts/lib/compose.sh"
# shellcheck source=lib/buckets.sh
source "$root/scripts/lib/buckets.sh"
# shellcheck source=lib/rollout.sh
source "$root/scripts/lib/rollout.sh"
# shellcheck source=lib/why-not-ready.sh
source "$root/scripts/lib/why-not-ready.sh"
# shellcheck source=lib/left-overs.sh
source "$root/scripts/lib/left-overs.sh"

overlay=default
components=()
registry=$TESSERA_REGISTRY
tag=''
digests=''
max=${NUM_WORKERS:-4}
floor=1
redis_cpu=250m
s3_input=s3://tessera/input
s3_output=s3://tessera/output
s3_endpoint=aws
s3_region=auto
s3_role=''
only_print=false

while (($# > 0)); do
  case $1 in
    --overlay) overlay=$(value "$@"); shift 2 ;;
    --with) component=$(value "$@"); with "$component" || components+=("$component"); shift 2 ;;
    --input) s3_input=$(value "$@"); shift 2 ;;
    --output) s3_output=$(value "$@"); shift 2 ;;
    --s3-endpoint) s3_endpoint=$(value "$@"); shift 2 ;;
    --s3-region) s3_region=$(value "$@"); shift 2 ;;
    --s3-role) s3_role=$(value "$@"); shift 2 ;;
    --namespace) namespace=$(value "$@"); shift 2 ;;
    --registry) registry=$(value "$@"); shift 2 ;;
    --tag) tag=$(value "$@"); shift 2 ;;
    --digests) digests=$(value "$@"); shift 2 ;;
    --max) max=$(value "$@"); shift 2 ;;
    --floor) floor=$(value "$@"); shift 2 ;;
    --redis-cpu) redis_cpu=$(value "$@"); shift 2 ;;
    --timeout) timeout_s=$(value "$@"); shift 2 ;;
    --print) only_print=true && shift ;;
    -h | --help) show_help && exit ;;
    *) fail "unknown: $1 (try --help)" ;;
  esac
done

[[ $overlay =~ ^[a-z]+$ && -d $root/overlays/$overlay ]] || fail "no overlay \"$overlay\": there are $(cd "$root/overlays" && echo *)"
[[ $namespace =~ ^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$ ]] || fail "not a namespace's name: \"$namespace\""
if [[ -n $digests ]]; then
  for function in "${functions[@]}"; do
    grep -Eqsx "$function sha256:[0-9a-f]{64}" "$digests" || fail "$digests has no digest of $function"
  done
fi
[[ -n $tag ]] || tag=$(content_tag)
[[ $registry =~ ^[A-Za-z0-9./:_-]+$ && $tag =~ ^[A-Za-z0-9._-]+$ ]] || fail "not an image's name: \"$registry/tessera-split:$tag\""
whole --max "$max" 1
whole --floor "$floor" 1
((10#$floor <= 10#$max)) || fail "--floor $floor is more than --max $max"
[[ $redis_cpu =~ ^[1-9][0-9]*m?$ ]] || fail "--redis-cpu is a number of cores or of millicores (500m), not \"$redis_cpu\""
whole --timeout "$timeout_s" 1
need kubectl sed cksum jq

work=$(mktemp -d)
trap 'let_go; rm -rf "$work"' EXIT
secret_version=''
redis_secret_version=''
for component in ${components[@]+"${components[@]}"}; do
  folder_of "$component" >/dev/null
done
refuse_contradictions
check_buckets

if $only_print; then
  compose
  kubectl kustomize "$work/deploy"
  exit
fi

check_prerequisites "$overlay" ${components[@]+"${components[@]}"}
choose_redis_volume
tell_short_room
! with auth || make_auth_secret
! with redis-auth || make_redis_secrets
secret_version=$(secret_versions tessera-redis tessera-redis-split tessera-redis-blur tessera-redis-assemble redis-auth tessera-auth tessera-s3 tessera-done-sink tessera-tracing)
! with redis-auth || redis_secret_version=$(kube get secret redis-auth --ignore-not-found --output 'jsonpath={.metadata.resourceVersion}')
look_up_redis
guard_redis_data
compose
make_way_for_redis
# A Job cannot be changed, and a finished one stays for some minutes.
[[ $overlay != pvc ]] || kube delete job prepare-volume --ignore-not-found "--timeout=${timeout_s}s"
kubectl apply --kustomize "$work/deploy" | tee "$work/applied"

if ! with redis-external; then
  wait_for_redis
fi
[[ $overlay != pvc ]] || wait_for_volume
services=(split blur assemble)
if [[ $overlay == broker ]]; then
  wait_for Ready broker.eventing.knative.dev/images
  services+=(dead-events)
fi
wait_for_services "${services[@]}"
[[ $overlay != broker ]] || wait_for Ready trigger.eventing.knative.dev/blurred
if [[ $overlay == fallback ]]; then
  wait_for Ready scaledobject.keda.sh/blur-worker
fi
prune_blur_revisions
remove_left_overs
echo "deployed: overlay=$overlay namespace=$namespace max=$max split=$(split_url)"
