# Whether the nodes have room for what is deployed, pod by pod; each goes to the node with the most memory
# left.
# Input: what pods request (pod-requests.json: millicores, including those of Knative's sidecar, and MiB), in
# the order in which they must fit. $without: a pod that is not deployed, or "". $redis: the millicores of Redis.
# $nodes, $pods: the cluster's. $namespace: the deployment's namespace; its current pods do not count. $max: the
# most blur pods. Output: a line for what does not fit; nothing if everything does.

def units: {n: 1e-9, u: 1e-6, m: 1e-3, "": 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, Ki: 1024, Mi: 1048576, Gi: 1073741824, Ti: 1099511627776};
def quantity: tostring | capture("^(?<number>[0-9.]+)(?<unit>[A-Za-z]*)$") | (.number | tonumber) * units[.unit];
def cpu: (.cpu // 0 | quantity) * 1000;
def memory: (.memory // 0 | quantity) / 1048576;

def is_open: (.spec.unschedulable | not) and all(.spec.taints[]?; .effect == "PreferNoSchedule");
def takes_room: .spec.nodeName and .status.phase != "Succeeded" and .status.phase != "Failed"
  and (.metadata.namespace != $namespace or .metadata.labels."app.kubernetes.io/part-of" != "tessera");

map(select(.name != $without) | if .name == "redis" then .cpu = $redis else . end)
| [$pods[0].items[] | select(takes_room)] as $running
| [$nodes[0].items[] | select(is_open) | .metadata.name as $name
    | [$running[] | select(.spec.nodeName == $name) | .spec.containers[].resources.requests // {}] as $requests
    | {cpu: ((.status.allocatable | cpu) - ($requests | map(cpu) | add // 0)),
       memory: ((.status.allocatable | memory) - ($requests | map(memory) | add // 0))}] as $free
| reduce (.[], (.[-1] as $last | range(1; $max) | $last)) as $pod ({free: $free, placed: [], short: null};
    if .short then .
    else .free as $free
      | ([$free | to_entries[] | select(.value.cpu >= $pod.cpu and .value.memory >= $pod.memory)] | max_by(.value.memory)) as $place
      | if $place then .placed += [$pod.name]
          | .free[$place.key] |= {cpu: (.cpu - $pod.cpu), memory: (.memory - $pod.memory)}
        else .short = $pod end
    end)
| (.placed | map(select(. == "blur")) | length) as $blurs
| if .short == null then empty
  elif $blurs > 0 then
    "the nodes have room for \($blurs) of \($max) blur pods; the others would wait without a node, and other pods with them: --max \($blurs)"
  else
    (.free | max_by(.memory) // {cpu: 0, memory: 0}) as $best
    | "no node has room for \(.short.name), which asks for \(.short.cpu)m CPU and \(.short.memory) MiB: the one with most memory left has \($best.cpu | floor)m and \($best.memory | floor) MiB (docs/DEPLOY.md, \"Minimum size\")"
  end
