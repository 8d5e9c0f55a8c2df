#!/usr/bin/env bash
# What the scripts' tests put on PATH in place of kubectl, kind, docker and others. It records how it was called, and answers
# by the first rule that fits the call and those before it (shell.ts writes the rules). Without such a rule it succeeds and
# prints nothing. It refuses a call that the real kubectl would refuse. A script calls it many times, so it starts as few
# processes as possible.
#
# Usage: stand-in.sh TOOL [ARGUMENT]...      with STAND_IN_FOLDER set
set -euo pipefail

line="$*"
mapfile -d '' -t calls <"$STAND_IN_FOLDER/calls"
IFS=$'\n'
earlier="${calls[*]}"
unset IFS
printf '%s\0' "$line" >>"$STAND_IN_FOLDER/calls"
before=''
for argument in "$@"; do
  # Only who names standard input reads it: a terminal's would never end.
  if [[ $argument == - ]]; then
    cat >"$STAND_IN_FOLDER/stdin"
  fi
  # A composed overlay is removed when the script ends; the test looks at it later.
  if [[ $before == --kustomize ]]; then
    cp -R "${argument%/*}" "$STAND_IN_FOLDER/applied"
  fi
  # Where docker and podman write what they pushed.
  digest=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
  [[ $before != --metadata-file ]] || printf '{\n  "containerimage.digest": "%s"\n}\n' "$digest" >"$argument"
  [[ $before != --digestfile ]] || printf '%s' "$digest" >"$argument"
  [[ $1 != curl || $before != --output ]] || echo downloaded >"$argument"
  before=$argument
done

if [[ $1 == kubectl ]]; then
  # shellcheck source=test/scripts/kubectl-rules.sh
  source "${BASH_SOURCE[0]%/*}/kubectl-rules.sh"
  check_kubectl "${@:2}"
fi

# Five fields for each rule: the call, an earlier call, standard output, standard error and the exit code.
mapfile -d '' -t rules <"$STAND_IN_FOLDER/rules"
for ((at = 0; at < ${#rules[@]}; at += 5)); do
  if [[ $line =~ ${rules[at]} && $earlier =~ ${rules[at + 1]} ]]; then
    printf '%s' "${rules[at + 2]}"
    printf '%s' "${rules[at + 3]}" >&2
    exit "${rules[at + 4]}"
  fi
done
