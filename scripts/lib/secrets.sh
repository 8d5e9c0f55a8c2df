# The Secrets that deploy.sh makes and looks at. Sourced by it after common.sh.
# shellcheck shell=bash disable=SC2154 # the folder $work is deploy.sh's, the root and the namespace common.sh's

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

# secret_versions NAME... : their versions. A Secret that changed must reach the pods, as a changed ConfigMap must.
secret_versions() {
  local secret
  for secret in "$@"; do
    kube get secret "$secret" --ignore-not-found --output 'jsonpath={.metadata.resourceVersion} '
  done
}
