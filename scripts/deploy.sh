#!/usr/bin/env bash
# Deploys Tessera to the cluster kubectl points at: checks what the cluster must have and says what is missing,
# applies an overlay, waits until it is ready, removes blur's old revisions, and prints split's URL. Run it again after
# any change: it changes what differs.
#
# Usage: scripts/deploy.sh [options]
#   --overlay NAME      default, pvc, broker or fallback (see docs/DEPLOY.md)         [default]
#   --with COMPONENT    auth, redis-persistent, redis-auth or redis-external; may be repeated
#   --namespace NAME    where to                                      [$TESSERA_NAMESPACE or tessera]
#   --registry NAME     where the images are: NAME/tessera-split …    [dev.local]
#   --tag TAG           their tag                                     [TESSERA_TAG of versions.env]
#   --max N             most blur pods                                [$NUM_WORKERS or 4]
#   --floor N           blur pods that start at once when there is work   [1]
#   --timeout SECONDS   how long to wait for each part                [300]
#   --print             only print what would be applied
#   --help
#
# Exit: 0 deployed and ready, 1 the cluster lacks something, 2 it could not be done.
set -euo pipefail
# shellcheck source=lib/common.sh
source "$(dirname "$0")/lib/common.sh"
# shellcheck source=lib/prerequisites.sh
source "$(dirname "$0")/lib/prerequisites.sh"

overlay=default
components=()
registry=$TESSERA_REGISTRY
tag=$TESSERA_TAG
max=${NUM_WORKERS:-4}
floor=1
only_print=false

while (($# > 0)); do
  case $1 in
    --overlay) overlay=$(value "$@"); shift 2 ;;
    --with) component=$(value "$@"); components+=("$component"); shift 2 ;;
    --namespace) namespace=$(value "$@"); shift 2 ;;
    --registry) registry=$(value "$@"); shift 2 ;;
    --tag) tag=$(value "$@"); shift 2 ;;
    --max) max=$(value "$@"); shift 2 ;;
    --floor) floor=$(value "$@"); shift 2 ;;
    --timeout) timeout_s=$(value "$@"); shift 2 ;;
    --print) only_print=true && shift ;;
    --help) show_help && exit ;;
    *) fail "unknown: $1 (--help tells more)" ;;
  esac
done

[[ -d $root/overlays/$overlay ]] || fail "no overlay \"$overlay\": there are $(cd "$root/overlays" && echo *)"
[[ $namespace =~ ^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$ ]] || fail "not a namespace's name: \"$namespace\""
[[ $registry =~ ^[A-Za-z0-9./:_-]+$ && $tag =~ ^[A-Za-z0-9._-]+$ ]] || fail "not an image's name: \"$registry/tessera-split:$tag\""
whole --max "$max" 1
whole --floor "$floor" 1
((10#$floor <= 10#$max)) || fail "--floor $floor is more than --max $max"
whole --timeout "$timeout_s" 1
need kubectl sed cksum

# folder_of COMPONENT : prints the component's folder, relative to the root.
folder_of() {
  case $1 in
    auth | redis-persistent | redis-auth | redis-external) echo "knative/components/$1" ;;
    *) fail "no component \"$1\": there are auth, redis-persistent, redis-auth, redis-external" ;;
  esac
}

# checksum FILE... : what tells revisions with other settings apart.
checksum() {
  cat "$@" | cksum | cut -d ' ' -f 1
}

# The overlay is composed in a copy, so that this works from a checkout nobody may write to. A namespace of another
# name has to be put into the addresses too, the JSON inside blur's annotation included.
compose() {
  local component file settings redis_settings
  cp -R "$root/knative" "$root/keda" "$root/overlays" "$work/"
  if [[ $namespace != tessera ]]; then
    while IFS= read -r file; do
      sed -e "s/\.tessera\.svc\.cluster\.local/.$namespace.svc.cluster.local/g" -e "s|cluster\.local/tessera/|cluster.local/$namespace/|g" "$file" >"$work/edited"
      cat "$work/edited" >"$file"
    done < <(find "$work/knative" "$work/keda" -name '*.yaml')
  fi
  raise_floor
  settings=$({ cat "$work/knative/tessera.config-map.yaml"; echo "$overlay $secret_version"; } | cksum | cut -d ' ' -f 1)
  redis_settings=$(checksum "$work/knative/redis.config-map.yaml")
  mkdir "$work/deploy"
  {
    printf 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: %s\n' "$namespace"
    printf 'resources:\n  - ../overlays/%s\n' "$overlay"
    ((${#components[@]} == 0)) || echo 'components:'
    for component in ${components[@]+"${components[@]}"}; do
      printf '  - ../%s\n' "$(folder_of "$component")"
    done
    echo 'images:'
    printf "  - { name: dev.local/tessera-%s, newName: $registry/tessera-%s, newTag: '$tag' }\n" split split blur blur assemble assemble
    echo 'patches:'
    patch '{ group: serving.knative.dev, kind: Service, name: split|blur|assemble }' /spec/template/metadata/annotations/tessera.dev~1config "$settings"
    patch '{ group: apps, kind: Deployment, name: blur-worker }' /spec/template/metadata/annotations/tessera.dev~1config "$settings"
    patch '{ group: apps, kind: StatefulSet, name: redis }' /spec/template/metadata/annotations/tessera.dev~1config "$redis_settings"
    patch '{ group: serving.knative.dev, kind: Service, name: blur }' /spec/template/metadata/annotations/autoscaling.knative.dev~1max-scale "$max"
    patch '{ group: keda.sh, kind: ScaledObject, name: blur-worker }' /spec/maxReplicaCount "$max" ''
  } >"$work/deploy/kustomization.yaml"
}

# KEDA goes from `idleReplicaCount` straight to `minReplicaCount`. One pod is what it starts anyway.
raise_floor() {
  local file
  ((10#$floor > 1)) || return 0
  while IFS= read -r file; do
    sed -E "s/^( *)(\"?)minReplicaCount(\"?): 0(,?)$/\1\2idleReplicaCount\3: 0\4\\
\1\2minReplicaCount\3: $((10#$floor))\4/" "$file" >"$work/edited"
    cat "$work/edited" >"$file"
  done < <(grep -rl minReplicaCount "$work/knative" "$work/keda")
}

# patch TARGET PATH VALUE [QUOTE] : one entry of `patches`.
patch() {
  local quote=${4-\'}
  printf '  - target: %s\n    patch: |-\n      - { op: replace, path: %s, value: %s }\n' "$1" "$2" "$quote$3$quote"
}

# The namespace, for Secrets that must be there before the functions start.
make_namespace() {
  sed "s/^  name: tessera$/  name: $namespace/" "$root/knative/namespace.yaml" >"$work/namespace.yaml"
  kubectl apply --filename "$work/namespace.yaml"
}

random_secret() {
  LC_ALL=C tr -dc 'A-Za-z0-9' < <(head -c 4096 /dev/urandom) | cut -c 1-32
}

# Makes the Secret of auth where it is missing. Secrets go by file descriptors only, here and below.
make_auth_secret() {
  make_namespace
  if ! has secret tessera-auth --namespace "$namespace"; then
    kube create secret generic tessera-auth --from-file=AUTH_TOKEN=<(random_secret)
  fi
}

# Makes the two Secrets of redis-auth where they are missing.
make_redis_secrets() {
  local password
  make_namespace
  if ! has secret redis-auth --namespace "$namespace"; then
    password=$(random_secret)
    kube create secret generic redis-auth --from-file=password=<(printf '%s' "$password") --from-file=auth.conf=<(printf 'requirepass %s\n' "$password")
  fi
  if ! has secret tessera-redis --namespace "$namespace"; then
    password=$(kube get secret redis-auth --output 'go-template={{.data.password | base64decode}}')
    kube create secret generic tessera-redis --from-file=REDIS_URL=<(printf 'redis://:%s@redis.%s.svc.cluster.local:6379' "$password" "$namespace")
  fi
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
secret_version=''
for component in ${components[@]+"${components[@]}"}; do
  folder_of "$component" >/dev/null
done

if $only_print; then
  compose
  kubectl kustomize "$work/deploy"
  exit
fi

check_prerequisites "$overlay" ${components[@]+"${components[@]}"}
for component in ${components[@]+"${components[@]}"}; do
  [[ $component != auth ]] || make_auth_secret
  [[ $component != redis-auth ]] || make_redis_secrets
done
# A Secret that changed must reach the functions, as a changed ConfigMap must.
for secret in tessera-redis tessera-redis-split tessera-redis-blur tessera-redis-assemble redis-auth tessera-auth; do
  secret_version+=$(kube get secret "$secret" --ignore-not-found --output 'jsonpath={.metadata.resourceVersion} ')
done
compose
kubectl apply --kustomize "$work/deploy"

if has statefulset redis --namespace "$namespace"; then
  kube rollout status statefulset/redis "--timeout=${timeout_s}s"
fi
for service in split blur assemble; do
  wait_ready "service.serving.knative.dev/$service"
done
if [[ $overlay == fallback ]]; then
  wait_ready scaledobject.keda.sh/blur-worker
fi
prune_blur_revisions
echo "deployed: overlay=$overlay namespace=$namespace max=$max split=$(split_url)"
