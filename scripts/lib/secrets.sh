# The Secrets that deploy.sh creates and reads. Sourced by it after common.sh.
# shellcheck shell=bash disable=SC2154 # the folder $work is deploy.sh's, the root and the namespace common.sh's

# Creates the namespace, because Secrets must exist before the functions start.
make_namespace() {
  sed "s/^  name: tessera$/  name: $namespace/" "$root/knative/namespace.yaml" >"$work/namespace.yaml"
  kubectl apply --filename "$work/namespace.yaml"
}

random_secret() {
  LC_ALL=C tr -dc 'A-Za-z0-9' < <(head -c 4096 /dev/urandom) | cut -c 1-32
}

# Creates the Secret of auth if it is missing. Here and below, secrets are passed by file descriptors only.
make_auth_secret() {
  make_namespace
  if ! has secret tessera-auth --namespace "$namespace"; then
    kube create secret generic tessera-auth --from-file=AUTH_TOKEN=<(random_secret)
  fi
}

# Creates the two Secrets of redis-auth if they are missing.
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

# secret_versions NAME NAME... : prints the names and versions of those Secrets that exist. Pods must get a changed Secret,
# like a changed ConfigMap.
secret_versions() {
  kube get secrets "$@" --ignore-not-found --output 'jsonpath={range .items[*]}{.metadata.name} {.metadata.resourceVersion} {end}'
}
