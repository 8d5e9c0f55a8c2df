# Removes leftovers of an earlier deployment. Sourced by deploy.sh after common.sh and prerequisites.sh.
# shellcheck shell=bash disable=SC2154 # the folder $work is deploy.sh's, the namespace common.sh's, the types prerequisites.sh's

# remove_left_overs : removes resources with Tessera's label that were not applied this time, such as another
# overlay's Deployment, which would continue to take tiles. Resources that Knative and KEDA made have an owner
# and are removed by them. Volume claims stay.
remove_left_overs() {
  local kinds=deployments,statefulsets,services,configmaps,networkpolicies,serviceaccounts,persistentvolumeclaims found each
  for each in $resource_types; do
    # Only for --with metrics. An account that does not use it may have no rights to these.
    [[ $each != *.monitoring.coreos.com ]] || may_list "${each#*/}" || continue
    kinds+=,${each#*/}
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
      try "$each could not be removed" kube delete "$each" --ignore-not-found "--timeout=${timeout_s}s"
    fi
  done
}
