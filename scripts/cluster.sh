#!/usr/bin/env bash
# A local Kubernetes cluster for trying Tessera: kind, with Knative Serving and Kourier, KEDA and the autoscaler-keda
# extension, everything at the versions of scripts/versions.env.
#
# Usage: scripts/cluster.sh [up|images|down|checksums] [options]
#   up        make the cluster, install what Tessera needs, build and load its images (again: only what is missing)
#   images    build the images and load them into the cluster
#   down      remove the cluster and everything in it
#   checksums download what `up` installs and write its checksums to scripts/checksums.txt, after a change of versions.env
# Options:
#   --name NAME         the cluster's name                        [tessera]
#   --eventing          Knative Eventing too, for the broker overlay
#   --port PORT         where on this machine split is reached    [8080]
#   --timeout SECONDS   how long to wait for each part            [300]
#   --help
#
# kind: https://kind.sigs.k8s.io has it for every system; with Go, `go install sigs.k8s.io/kind@v0.33.0`. A file that `up`
# downloads must have its checksum in scripts/checksums.txt. If that has none, it must have the one that GitHub's API has
# for the file of that release.
#
# Exit: 0 done, 2 it could not be done.
set -euo pipefail
# shellcheck source=lib/common.sh
source "$(dirname "$0")/lib/common.sh"
# shellcheck source=lib/images.sh
source "$root/scripts/lib/images.sh"
# shellcheck source=lib/downloads.sh
source "$root/scripts/lib/downloads.sh"

command=''
name=tessera
port=8080
with_eventing=false
while (($# > 0)); do
  case $1 in
    up | images | down | checksums)
      [[ -z $command ]] || fail "one too many: $1 (try --help)"
      command=$1 && shift
      ;;
    --name) name=$(value "$@"); shift 2 ;;
    --eventing) with_eventing=true && shift ;;
    --port) port=$(value "$@"); shift 2 ;;
    --timeout) timeout_s=$(value "$@"); shift 2 ;;
    -h | --help) show_help && exit ;;
    *) fail "unknown: $1 (try --help)" ;;
  esac
done
[[ $name =~ ^[a-z0-9.-]+$ ]] || fail "not a cluster's name: \"$name\""
whole --port "$port" 1
((10#$port <= 65535)) || fail "--port is at most 65535, not $port"
whole --timeout "$timeout_s" 1
[[ -n $command ]] || command=up
if [[ $command != checksums ]]; then
  type -P kind >/dev/null || fail "not installed: kind (go install sigs.k8s.io/kind@v$KIND_VERSION, or https://kind.sigs.k8s.io)"
  need docker
fi
context=kind-$name

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
serving=https://github.com/knative/serving/releases/download/knative-v$KNATIVE_SERVING_VERSION
kourier=https://github.com/knative-extensions/net-kourier/releases/download/knative-v$KOURIER_VERSION
keda=https://github.com/kedacore/keda/releases/download/v$KEDA_VERSION
extension=https://github.com/knative-extensions/autoscaler-keda/releases/download/knative-v$AUTOSCALER_KEDA_VERSION
eventing=https://github.com/knative/eventing/releases/download/knative-v$KNATIVE_EVENTING_VERSION

# kubectl for this cluster, even if the default is another one.
on() {
  kubectl --context "$context" "$@"
}

# install URL [APPLY_OPTION...] : downloads a manifest, checks it and applies it.
install() {
  download_checked "$1"
  on apply "${@:2}" --filename "$work/download"
}

write_checksums() {
  local url known
  grep '^#' "$root/scripts/checksums.txt" >"$work/checksums"
  for url in "$serving"/serving-{crds,core}.yaml "$kourier/kourier.yaml" "$keda/keda-$KEDA_VERSION.yaml" "$extension/autoscaler-keda.yaml" \
    "$eventing"/{eventing-crds,eventing-core,in-memory-channel,mt-channel-broker}.yaml; do
    download "$url"
    known=$(github_checksum "$url")
    [[ -z $known ]] || check "$url" "$known" GitHub
    echo "$checksum  $url" >>"$work/checksums"
  done
  cat "$work/checksums" >"$root/scripts/checksums.txt"
}

exists() {
  kind get clusters | grep -qx "$name"
}

# Kourier's gateway is the node's port 31080, which is this machine's $port.
make_cluster() {
  kind create cluster --name "$name" --image "$KIND_NODE_IMAGE" --wait "${timeout_s}s" --config - <<EOF
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
  - role: control-plane
    extraPortMappings:
      - containerPort: 31080
        hostPort: $port
        listenAddress: 127.0.0.1
EOF
}

wait_available() {
  on --namespace "$1" wait --for=condition=Available deployment --all "--timeout=${timeout_s}s"
}

install_serving() {
  install "$serving/serving-crds.yaml"
  on wait --for=condition=Established customresourcedefinition --all "--timeout=${timeout_s}s"
  install "$serving/serving-core.yaml"
  install "$kourier/kourier.yaml"
  on --namespace knative-serving patch configmap config-network --type merge \
    --patch '{"data":{"ingress-class":"kourier.ingress.networking.knative.dev"}}'
  # 127.0.0.1.sslip.io resolves to this machine everywhere.
  on --namespace knative-serving patch configmap config-domain --type merge --patch '{"data":{"127.0.0.1.sslip.io":""}}'
  # For the pvc overlay.
  on --namespace knative-serving patch configmap config-features --type merge \
    --patch '{"data":{"kubernetes.podspec-persistent-volume-claim":"enabled","kubernetes.podspec-persistent-volume-write":"enabled"}}'
  on --namespace kourier-system patch service kourier --type merge \
    --patch '{"spec":{"type":"NodePort","ports":[{"name":"http2","port":80,"protocol":"TCP","targetPort":8080,"nodePort":31080},{"name":"https","port":443,"protocol":"TCP","targetPort":8443}]}}'
  wait_available knative-serving
  wait_available kourier-system
}

install_keda() {
  install "$keda/keda-$KEDA_VERSION.yaml" --server-side
  wait_available keda
  install "$extension/autoscaler-keda.yaml"
  wait_available knative-serving
}

install_eventing() {
  local part
  install "$eventing/eventing-crds.yaml"
  on wait --for=condition=Established customresourcedefinition --all "--timeout=${timeout_s}s"
  for part in eventing-core in-memory-channel mt-channel-broker; do
    install "$eventing/$part.yaml"
  done
  wait_available knative-eventing
}

# kind's own volumes belong to one node each. One folder for all nodes lets split and assemble share a claim.
share_volumes() {
  on --namespace local-path-storage patch configmap local-path-config --type merge \
    --patch '{"data":{"config.json":"{\"sharedFileSystemPath\":\"/var/local-path-provisioner\"}"}}'
  on --namespace local-path-storage rollout restart deployment/local-path-provisioner
  on --namespace local-path-storage rollout status deployment/local-path-provisioner "--timeout=${timeout_s}s"
}

# Two tags: the one in the manifests, for kubectl and kn, and the one of the content, for deploy.sh.
build_images() {
  local function image tag
  tag=$(content_tag)
  for function in "${functions[@]}"; do
    image=$TESSERA_REGISTRY/tessera-$function
    docker build --build-arg "NODE_IMAGE=$NODE_IMAGE" --build-arg "COMMIT=$(commit)" \
      --build-arg "FUNCTION=$function" \
      --tag "$image:$TESSERA_TAG" --tag "$image:$tag" "$root" || fail "$image could not be built"
    kind load docker-image "$image:$TESSERA_TAG" "$image:$tag" --name "$name" || fail "$image could not be loaded into $name"
  done
}

case $command in
  checksums)
    need curl sha256sum jq
    write_checksums
    echo 'written: scripts/checksums.txt'
    ;;
  down)
    kind delete cluster --name "$name" || fail "the cluster $name could not be removed"
    echo "removed: cluster $name"
    ;;
  images)
    exists || fail "there is no cluster $name: scripts/cluster.sh up makes it"
    build_images
    echo "loaded: split, blur and assemble $(content_tag) into $name; scripts/deploy.sh makes new revisions of them"
    ;;
  up)
    need kubectl curl sha256sum jq
    found=$(kind version | grep -oE 'v[0-9]+\.[0-9]+\.[0-9]+' | head -n 1)
    [[ $found == "v$KIND_VERSION" ]] || echo "note: kind is $found; these versions were chosen with v$KIND_VERSION"
    exists || make_cluster || fail "the cluster $name could not be made"
    install_serving
    install_keda
    ! $with_eventing || install_eventing
    share_volumes
    build_images
    kubectl config use-context "$context"
    echo "ready: cluster $name; now scripts/deploy.sh, then http://split.tessera.127.0.0.1.sslip.io:$port"
    ;;
esac
