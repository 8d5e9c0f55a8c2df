#!/usr/bin/env bash
# What the scripts' tests put on PATH in place of kubectl, kind, docker and others: writes down how it was called, and answers
# by the first rule that fits the call and those before it (shell.ts writes the rules); without one it succeeds and says
# nothing. A call that the real kubectl would refuse, it refuses too.
#
# Usage: stand-in.sh TOOL [ARGUMENT]...      with STAND_IN_FOLDER set
set -euo pipefail

line="$*"
mapfile -d '' -t calls <"$STAND_IN_FOLDER/calls"
earlier=$(IFS=$'\n' && echo "${calls[*]}")
printf '%s\0' "$line" >>"$STAND_IN_FOLDER/calls"
before=''
for argument in "$@"; do
  # Only who names standard input reads it: a terminal's would never end.
  if [[ $argument == - ]]; then
    cat >"$STAND_IN_FOLDER/stdin"
  fi
  # A composed overlay is removed when the script ends; the test looks at it later.
  if [[ $before == --kustomize ]]; then
    cp -R "$(dirname "$argument")" "$STAND_IN_FOLDER/applied"
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
  source "$(dirname "$0")/kubectl-rules.sh"
  check_kubectl "${@:2}"
fi

# A rule is read without a process of its own: there are many calls, and many rules for each.
for rule in "$STAND_IN_FOLDER"/rules/*; do
  [[ -d $rule ]] || continue
  IFS= read -r -d '' call <"$rule/call" || true
  [[ $line =~ $call ]] || continue
  IFS= read -r -d '' after <"$rule/after" || true
  [[ $earlier =~ $after ]] || continue
  cat "$rule/stdout"
  cat "$rule/stderr" >&2
  exit "$(<"$rule/exit")"
done
