# Finds the problem that keeps pods from being ready.
#
# Input: a list of pods. Output: one line for the worst problem; nothing if there is none.

def one_line: gsub("\\s+"; " ") | if length > 300 then .[:300] + "…" else . end;
def last_line: rtrimstr("\n") | split("\n") | last;

[.items[] | select(.metadata.deletionTimestamp == null)] as $pods
| [$pods[] | .metadata.name as $pod | .status.containerStatuses[]? | . + {who: "\(.name) of \($pod)"}] as $containers
| first(
    # The scheduler also says whether evicting other pods would help, which is not useful here.
    ($pods[] | .metadata.name as $pod | .status.conditions[]? | select(.type == "PodScheduled" and .status == "False")
      | "\($pod) is Pending: \(.message // .reason | sub("\\.? preemption:.*"; ""))"),
    ($containers[] | .who as $who | .state.waiting | select(.reason // "" | test("Image|Config|Create"))
      | "\($who) cannot start: \(.reason): \(.message // "")"),
    ($containers[] | .who as $who | .lastState.terminated // .state.terminated | select(.)
      | "\($who) ended with exit code \(.exitCode): \(.message // .reason // "" | last_line)"),
    ($containers[] | select(.state.running and (.ready | not) and .name != "queue-proxy")
      | "\(.who) runs but says that it is not ready")
  )
| one_line
