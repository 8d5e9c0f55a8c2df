# Follows the images that run.sh has sent, and fetches their results. Sourced by it after ask-split.sh.
# shellcheck shell=bash disable=SC2154 # the deadline, the folders and the counts are run.sh's

# fetch ID FILE : fetches the result of an image that is done. FILE is written completely or not at all.
fetch() {
  local path=$out/$2
  if ! ask "/images/$1/result"; then
    failed=$((failed + 1))
    say "no result for $2: $(reason)"
  elif put "$work/answer" "$path" 2>/dev/null; then
    done_count=$((done_count + 1))
    say "written: $path"
  else
    failed=$((failed + 1))
    say "$path cannot be written"
  fi
}

# put FILE PATH : moves a file to PATH, and makes the folders of PATH. Fails if PATH itself is a folder.
put() {
  [[ ! -d $2 ]] && { [[ -d ${2%/*} ]] || mkdir -p -- "${2%/*}"; } && mv -- "$1" "$2"
}

# ask_status ID SECONDS : asks for the status of an image, and lets split wait up to SECONDS for a change. A split of an
# older release refuses to wait; then it is not asked to any more.
ask_status() {
  if $can_wait && (($2 > 0)); then
    ! ask "/images/$1?wait=$2" || return 0
    [[ $(<"$work/code") == 400 ]] || return 1
    can_wait=false
  fi
  ask "/images/$1"
}

# seconds_to_wait : prints how long split may wait for the first of the open images to change. The others are asked about
# afterwards, so with several of them it is short.
seconds_to_wait() {
  local most=30 left=$((deadline - SECONDS))
  (($(wc -l <"$work/open") == 1)) || most=2
  if ((left < most)); then echo "$((left > 0 ? left : 0))"; else echo "$most"; fi
}

# Waits until every image that was sent is over, or the time is.
follow() {
  local id names name said state line before more seconds=0 has_changed
  can_wait=true
  sort -u "$work/sent" >"$work/open"
  while [[ -s $work/open ]]; do
    : >"$work/left"
    has_changed=false
    while read -r id names; do
      if ! ask_status "$id" "$seconds"; then
        name=$(jq --raw-output .name <<<"$names")
        [[ $(jq --raw-output .code "$work/answer" 2>/dev/null) == not-found ]] || fail "split does not give the status of $name: $(reason)"
        failed=$((failed + 1))
        say "$name is lost: split accepted it and does not know it any more. Redis has lost its data (docs/DEPLOY.md, \"Redis\"). Send it again."
        seconds=0
        continue
      fi
      seconds=0
      # A line with its state, a line for the user, and the name of its result or its error.
      # A result goes to the same folders as its input. Parts of the name that would lead out of them are dropped.
      said=$(jq --raw-output --argjson names "$names" '.status,
        ("\($names.name) \(.status) \(.done)/\(.tiles)" | gsub("[[:cntrl:]]"; "?")),
        if .status == "done" then
          [.name | split("/")[:-1][] | select(. != "" and . != "." and . != "..")] + [$names.file // (.output | split("/") | last)] | join("/")
        else "\($names.name): \(.error)" end' "$work/answer")
      state=${said%%$'\n'*}
      more=${said#*$'\n'}
      line=${more%%$'\n'*}
      more=${more#*$'\n'}
      before=''
      [[ ! -e $work/line-$id ]] || before=$(<"$work/line-$id")
      [[ $line == "$before" ]] || { say "$line" && has_changed=true; }
      echo "$line" >"$work/line-$id"
      case $state in
        done) fetch "$id" "$more" ;;
        failed | cancelled)
          failed=$((failed + 1))
          say "$more"
          ;;
        *) echo "$id $names" >>"$work/left" ;;
      esac
    done <"$work/open"
    mv "$work/left" "$work/open"
    [[ ! -s $work/open ]] || ((SECONDS < deadline)) || fail "not over after $timeout_s s: $(cut -d ' ' -f 2- "$work/open" | jq --raw-output .name | paste -sd ' ' -)"
    [[ -s $work/open ]] || return 0
    if ! $can_wait || ! $has_changed; then
      sleep 0.2 # A split of an older release may not wait at all.
    fi
    seconds=$(seconds_to_wait)
  done
}
