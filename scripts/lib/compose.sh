# Composes what deploy.sh applies. Sourced by it after common.sh.
# shellcheck shell=bash disable=SC2154 # the options are deploy.sh's, the root and the namespace common.sh's

# folder_of COMPONENT : prints the component's folder, relative to the root.
folder_of() {
  case $1 in
    auth | redis-ephemeral | redis-auth | redis-external | s3 | done-sink | tracing | metrics) echo "knative/components/$1" ;;
    *) fail "no component \"$1\": there are auth, redis-ephemeral, redis-auth, redis-external, s3, done-sink, tracing, metrics" ;;
  esac
}

# with COMPONENT : whether the component was requested.
with() {
  [[ " ${components[*]-} " == *" $1 "* ]]
}

# refuse_contradictions : stops if two of the requested components exclude each other.
refuse_contradictions() {
  local component
  for component in redis-auth redis-ephemeral; do
    ! with redis-external || ! with "$component" ||
      fail "$component is for the Redis of Tessera, and redis-external is for another one: choose one of them"
  done
  ! with s3 || [[ $overlay != pvc ]] || fail "the overlay pvc is for images on a volume, and s3 is for images in buckets: choose one of them"
}

# settings_stamp, redis_stamp : print numbers that change with the settings of the functions or of Redis's
# pod, so that new pods are made only then.
settings_stamp() {
  local settings=("$work/knative/tessera.config-map.yaml")
  ! with tracing || settings+=("$work/knative/components/tracing/tracing.config-map.yaml")
  ! with metrics || settings+=("$work/knative/components/metrics/port.patch.yaml")
  { cat "${settings[@]}" && echo "$overlay $secret_version" && bucket_settings; } | cksum | cut -d ' ' -f 1
}

redis_stamp() {
  local choices=("$redis_cpu")
  ! with redis-ephemeral || choices+=(redis-ephemeral)
  ! with redis-auth || choices+=("redis-auth $redis_secret_version")
  { cat "$root/knative/redis.config-map.yaml" "$root/knative/redis.stateful-set.yaml" && echo "${choices[*]}"; } | cksum | cut -d ' ' -f 1
}

# The overlay is composed in a copy, so that this works from a read-only checkout. Another namespace also has
# to be written into the addresses, including the JSON in blur's annotation.
compose() {
  local component file part stamp
  cp -R "$root/knative" "$root/keda" "$root/overlays" "$work/"
  if [[ $namespace != tessera ]]; then
    while IFS= read -r file; do
      sed -e "s/\.tessera\.svc\.cluster\.local/.$namespace.svc.cluster.local/g" -e "s|cluster\.local/tessera/|cluster.local/$namespace/|g" "$file" >"$work/edited"
      cat "$work/edited" >"$file"
    done < <(grep -rlE 'tessera\.svc\.cluster\.local|cluster\.local/tessera/' "$work/knative" "$work/keda")
  fi
  raise_floor
  stamp=$(settings_stamp)
  mkdir "$work/deploy"
  {
    printf 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: %s\n' "$namespace"
    printf 'resources:\n  - ../overlays/%s\n' "$overlay"
    ((${#components[@]} == 0)) || echo 'components:'
    for component in ${components[@]+"${components[@]}"}; do
      printf '  - ../%s\n' "$(folder_of "$component")"
    done
    echo 'images:'
    image_entries
    echo 'patches:'
    patch '{ group: serving.knative.dev, kind: Service, name: split|blur|assemble }' /spec/template/metadata/annotations/tessera.dev~1config "$stamp"
    patch '{ group: apps, kind: Deployment, name: blur-worker }' /spec/template/metadata/annotations/tessera.dev~1config "$stamp"
    patch '{ group: apps, kind: StatefulSet, name: redis }' /spec/template/metadata/annotations/tessera.dev~1config "$(redis_stamp)"
    bucket_patches
    for part in requests limits; do
      patch '{ group: apps, kind: StatefulSet, name: redis }' "/spec/template/spec/containers/0/resources/$part/cpu" "$redis_cpu"
    done
    patch '{ group: serving.knative.dev, kind: Service, name: blur }' /spec/template/metadata/annotations/autoscaling.knative.dev~1max-scale "$max"
    patch '{ group: keda.sh, kind: ScaledObject, name: blur-worker }' /spec/maxReplicaCount "$max" ''
  } >"$work/deploy/kustomization.yaml"
}

# KEDA goes from `idleReplicaCount` directly to `minReplicaCount`. It starts one pod anyway.
raise_floor() {
  local file
  ((10#$floor > 1)) || return 0
  while IFS= read -r file; do
    sed -E "s/^( *)(\"?)minReplicaCount(\"?): 0(,?)$/\1\2idleReplicaCount\3: 0\4\\
\1\2minReplicaCount\3: $((10#$floor))\4/" "$file" >"$work/edited"
    cat "$work/edited" >"$file"
  done < <(grep -rl minReplicaCount "$work/knative" "$work/keda")
}

# Prints the entries of `images`: which images the functions run.
image_entries() {
  local function digest which
  for function in "${functions[@]}"; do
    which="newTag: '$tag'"
    if [[ -n $digests ]]; then
      digest=$(sed -n "s/^$function \(sha256:[0-9a-f]\{64\}\)$/\1/p" "$digests")
      which="digest: '$digest'"
    fi
    printf '  - { name: dev.local/tessera-%s, newName: %s/tessera-%s, %s }\n' "$function" "$registry" "$function" "$which"
  done
}

# patch TARGET PATH VALUE [QUOTE] : prints one entry of `patches`.
patch() {
  local quote=${4-\'}
  printf '  - target: %s\n    patch: |-\n      - { op: replace, path: %s, value: %s }\n' "$1" "$2" "$quote$3$quote"
}
