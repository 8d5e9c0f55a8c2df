#!/usr/bin/env bash
# A local Kubernetes cluster for trying Tessera: kind, with Knative Serving and Kourier, KEDA and the autoscaler-keda
# extension, everything at the versions of scripts/versions.env.
#
# Usage: scripts/cluster.sh [up|images|down] [options]
#   up        make the cluster, install what Tessera needs, build and load its images (again: only what is missing)
#   images    build the images and load them into the cluster
#   down      remove the cluster and all that is in it
# Options:
#   --name NAME         the cluster's name                        [tessera]
#   --eventing          Knative Eventing too, for the broker overlay
#   --port PORT         where on this machine split is reached    [8080]
#   --timeout SECONDS   how long to wait for each part            [300]
#   --help
set -euo pipefail
# shellcheck source=lib/common.sh
source "$(dirname "$0")/lib/common.sh"
# shellcheck source=lib/images.sh
source "$(dirname "$0")/lib/images.sh"

command=up
name=tessera
port=8080
with_eventing=false
while (($# > 0)); do
  case $1 in
    up | images | down) command=$1 && shift ;;
    --name) name=$(value "$@"); shift 2 ;;
    --eventing) with_eventing=true && shift ;;
    --port) port=$(value "$@"); shift 2 ;;
    --timeout) timeout_s=$(value "$@"); shift 2 ;;
    --help) show_help && exit ;;
    *) fail "unknown: $1 (--help tells more)" ;;
  esac
done
[[ $name =~ ^[a-z0-9.-]+$ ]] || fail "not a cluster's name: \"$name\""
whole --port "$port" 1
whole --timeout "$timeout_s" 1
need kind docker
context=kind-$name

# In this cluster only, whatever kubectl's own default is.
on() {
  kubectl --context "$context" "$@"
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
  local from=https://github.com/knative/serving/releases/download/knative-v$KNATIVE_SERVING_VERSION
  on apply --filename "$from/serving-crds.yaml"
  on wait --for=condition=Established customresourcedefinition --all "--timeout=${timeout_s}s"
  on apply --filename "$from/serving-core.yaml"
  on apply --filename "https://github.com/knative-extensions/net-kourier/releases/download/knative-v$KOURIER_VERSION/kourier.yaml"
  on --namespace knative-serving patch configmap config-network --type merge \
    --patch '{"data":{"ingress-class":"kourier.ingress.networking.knative.dev"}}'
  # 127.0.0.1.sslip.io is this machine, wherever the name is looked up.
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
  on apply --server-side --filename "https://github.com/kedacore/keda/releases/download/v$KEDA_VERSION/keda-$KEDA_VERSION.yaml"
  wait_available keda
  on apply --filename "https://github.com/knative-extensions/autoscaler-keda/releases/download/knative-v$AUTOSCALER_KEDA_VERSION/autoscaler-keda.yaml"
  wait_available knative-serving
}

install_eventing() {
  local from=https://github.com/knative/eventing/releases/download/knative-v$KNATIVE_EVENTING_VERSION
  on apply --filename "$from/eventing-crds.yaml"
  on wait --for=condition=Established customresourcedefinition --all "--timeout=${timeout_s}s"
  on apply --filename "$from/eventing-core.yaml" --filename "$from/in-memory-channel.yaml" --filename "$from/mt-channel-broker.yaml"
  wait_available knative-eventing
}

# kind's own volumes are of one node each. One folder for all lets split and assemble share a claim.
share_volumes() {
  on --namespace local-path-storage patch configmap local-path-config --type merge \
    --patch '{"data":{"config.json":"{\"sharedFileSystemPath\":\"/var/local-path-provisioner\"}"}}'
  on --namespace local-path-storage rollout restart deployment/local-path-provisioner
  on --namespace local-path-storage rollout status deployment/local-path-provisioner "--timeout=${timeout_s}s"
}

# Two tags: that of the manifests, for kubectl and kn, and that of the content, for deploy.sh.
build_images() {
  local function image tag
  tag=$(content_tag)
  for function in "${functions[@]}"; do
    image=$TESSERA_REGISTRY/tessera-$function
    docker build --build-arg "NODE_IMAGE=$NODE_IMAGE" --build-arg "FUNCTION=$function" \
      --tag "$image:$TESSERA_TAG" --tag "$image:$tag" "$root"
    kind load docker-image "$image:$TESSERA_TAG" "$image:$tag" --name "$name"
  done
}

case $command in
  down)
    kind delete cluster --name "$name"
    echo "removed: cluster $name"
    ;;
  images)
    exists || fail "there is no cluster $name: scripts/cluster.sh up makes it"
    build_images
    echo "loaded: split, blur and assemble $(content_tag) into $name; scripts/deploy.sh makes new revisions of them"
    ;;
  up)
    need kubectl
    found=$(kind version | grep -oE 'v[0-9]+\.[0-9]+\.[0-9]+' | head -n 1)
    [[ $found == "v$KIND_VERSION" ]] || echo "note: kind is $found; these versions were chosen with v$KIND_VERSION"
    exists || make_cluster
    install_serving
    install_keda
    ! $with_eventing || install_eventing
    share_volumes
    build_images
    kubectl config use-context "$context"
    echo "ready: cluster $name; now scripts/deploy.sh, then http://split.tessera.127.0.0.1.sslip.io:$port"
    ;;
esac
