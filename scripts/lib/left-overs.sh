# What an earlier deployment left behind. Sourced by deploy.sh after common.sh.
# shellcheck shell=bash disable=SC2154 # the folder $work is deploy.sh's, the namespace common.sh's

# remove_left_overs : removes what carries Tessera's label and was not applied this time, as another overlay's Deployment that
# would go on eating the queue. What Knative and KEDA made for us has an owner and is theirs to remove; volume claims stay.
remove_left_overs() {
  local kinds=deployments,statefulsets,services,configmaps,networkpolicies,serviceaccounts,persistentvolumeclaims type found each
  for type in services.serving.knative.dev scaledobjects.keda.sh triggerauthentications.keda.sh triggers.eventing.knative.dev brokers.eventing.knative.dev; do
    ! has_crd "$type" || kinds+=",$type"
  done
  found=$(kube get "$kinds" --selector app.kubernetes.io/part-of=tessera --output json | jq --raw-output '
    .items[] | select(.metadata.ownerReferences == null)
    | "\([.kind | ascii_downcase] + (.apiVersion | split("/")[:-1]) | join("."))/\(.metadata.name)"')
  for each in $found; do
    if grep -q "^$each " "$work/applied"; then
      continue
    elif [[ $each == persistentvolumeclaim/* ]]; then
      echo "note: $each is not used any more and stays, with its data: kubectl -n $namespace delete $each"
    else
      kube delete "$each" --ignore-not-found "--timeout=${timeout_s}s" || fail "$each could not be removed"
    fi
  done
}
