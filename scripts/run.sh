#!/usr/bin/env bash
# Sends images to split, waits until they are done, and fetches the results.
#
# Usage: scripts/run.sh FILE|FOLDER... [options]      images; of a folder, those in it but not in its subfolders
#        scripts/run.sh --input NAME [options]        a file or folder under the deployment's INPUT_PATH
#        scripts/run.sh --all [options]               everything there
# Options:
#   --url URL           split's address      [$SPLIT_URL, else `npm start -- --serve` if it is up, else from the cluster]
#   --token-file FILE   a file with the access token, if split requires one   [$TESSERA_TOKEN]
#   --host NAME         the Host header to send, if the URL does not have split's own name (a forwarded port)
#   --filter NAME       blur, sharpen; see docs/USING.md    [blur]
#   --kernel K          odd kernel size, 1 to 255           [the deployment's KERNEL_SIZE]
#   --set NAME=VALUE    another parameter of the filter, such as amount=1.5; may be repeated
#   --format NAME       of the results: png or jpeg         [png]
#   --quality Q         of a JPEG, 1 to 100                 [85]
#   --out FOLDER        where results go                    [output]
#   --no-wait           only send
#   --timeout SECONDS   how long all images may take        [300]
#   --namespace NAME    where to look for split             [$TESSERA_NAMESPACE or tessera]
#   --help
#
# Prints a line whenever an image has made progress, and at the end: images=N done=N failed=N. Results keep their images'
# names; those of stored inputs also keep their folders. If two would have the same name: see "What results are called" in
# docs/USING.md.
# Exit: 0 all done (or sent), 1 some failed or were refused, 2 it could not be done or took too long.
set -euo pipefail
# shellcheck source=lib/common.sh
source "$(dirname "$0")/lib/common.sh"

url=${SPLIT_URL:-}
is_cluster=${TESSERA_NAMESPACE:+true}
host=''
filter=blur
format=png
parameters=()
input=''
all=false
out=output
wait=true
paths=()
files=()
empty_folders=()
while (($# > 0)); do
  case $1 in
    --url) url=$(value "$@"); shift 2 ;;
    --token-file) token_file=$(value "$@"); shift 2 ;;
    --host) host=$(value "$@"); shift 2 ;;
    --filter) filter=$(value "$@"); parameters+=("filter=$filter"); shift 2 ;;
    --kernel) kernel=$(value "$@"); whole --kernel "$kernel" 1; parameters+=("kernel=$kernel"); shift 2 ;;
    --format) format=$(value "$@"); parameters+=("format=$format"); shift 2 ;;
    --quality) quality=$(value "$@"); whole --quality "$quality" 1; parameters+=("quality=$quality"); shift 2 ;;
    --set)
      parameter=$(value "$@")
      [[ $parameter == ?*=* ]] || fail "--set is $parameter; NAME=VALUE is required"
      parameters+=("$parameter")
      shift 2
      ;;
    --input) input=$(value "$@"); shift 2 ;;
    --all) all=true && shift ;;
    --out) out=$(value "$@"); shift 2 ;;
    --no-wait) wait=false && shift ;;
    --timeout) timeout_s=$(value "$@"); shift 2 ;;
    --namespace) namespace=$(value "$@"); is_cluster=true; shift 2 ;;
    -h | --help) show_help && exit ;;
    -*) fail "unknown: $1 (try --help)" ;;
    *) paths+=("$1") && shift ;;
  esac
done
whole --timeout "$timeout_s" 1
need curl jq sha256sum
if [[ -z $url && -z $is_cluster ]]; then
  url=$(local_split)
  [[ -z $url ]] || echo "sending to $url on this machine"
fi
if [[ -z $url ]]; then
  need_namespace
  ! has service.serving.knative.dev split --namespace "$namespace" || url=$(split_url)
  [[ -n $url ]] || fail "namespace $namespace has no split with a URL: scripts/deploy.sh, or give --url"
fi
url=${url%/}
ways=0
((${#paths[@]} == 0)) || ways=$((ways + 1))
[[ -z $input ]] || ways=$((ways + 1))
! $all || ways=$((ways + 1))
((ways == 1)) || fail 'one of these is required: files and folders, --input NAME, or --all (try --help)'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prepare_token "$work"
deadline=$((SECONDS + timeout_s))
# How the names of results end: functions/lib/store/names.ts.
suffix=_$filter
[[ $filter != blur ]] || suffix=_blurred
if [[ $format == jpeg ]]; then suffix=$suffix.jpg; else suffix=$suffix.png; fi
# The filter and its parameters, as a JSON object and as the end of a query.
recipe={}
recipe_query=''
if ((${#parameters[@]} > 0)); then
  {
    read -r recipe
    read -r recipe_query
  } < <(printf '%s\n' "${parameters[@]}" | jq --raw-input --null-input --raw-output \
    '[inputs | select(. != "") | capture("^(?<key>[^=]+)=(?<value>.*)$")] | from_entries
      | tojson, (to_entries | map("&\(.key | @uri)=\(.value | @uri)") | add)')
fi
refused=0
done_count=0
failed=0

# ask PATH [CURL OPTION...] : sends a request to split and writes the answer to $work/answer. Repeats it if that may
# help. Fails if split refuses it, and stops if split cannot be reached.
ask() {
  local status left pause tries
  local options=(--show-error --fail-with-body --output "$work/answer" --dump-header "$work/headers" --write-out '%{http_code}')
  [[ -z $host ]] || options+=(--header "Host: $host")
  for ((tries = 0; ; tries++)); do
    left=$((deadline - SECONDS))
    : >"$work/answer"
    : >"$work/headers"
    status=0
    request "${options[@]}" --max-time "$((left > 0 ? left : 1))" "${@:2}" "$url$1" >"$work/code" 2>"$work/curl" || status=$?
    case $status in
      0) return ;;
      22) ;; # an answer that is an error
      18 | 52 | 55 | 56 | 92) echo cut >"$work/code" ;;
      *) fail "split cannot be reached at $url: $(cat "$work/curl")" ;;
    esac
    pause=$(pause_after "$tries") || return 1
    ((SECONDS + pause < deadline)) || return 1
    sleep "$pause"
  done
}

# pause_after TRIES : prints how many seconds to wait before the request is sent again: what the answer says, or else
# twice as long each time. Fails if sending it again would not help, or after five times.
pause_after() {
  local told
  [[ $(<"$work/code") =~ ^(cut|408|429|502|503|504)$ ]] || return 1
  told=$(tr '[:upper:]' '[:lower:]' <"$work/headers" | sed -n 's/^retry-after: *\([0-9]\{1,5\}\).*/\1/p' | tail -n 1)
  [[ -n $told ]] || (($1 < 5)) || return 1
  echo "${told:-$((2 ** $1))}"
}

# refused NAME REASON : counts and reports an image that was not accepted.
refused() {
  refused=$((refused + 1))
  say "$1 refused: $2"
}

# Prints what the answer says about an error, or its status if it has no text.
reason() {
  if [[ -s $work/answer ]]; then
    jq --raw-output '.detail // .title' "$work/answer" 2>/dev/null ||
      echo "HTTP $(<"$work/code"): $(head -c 200 "$work/answer" | tr -s '[:space:]' ' ')"
  else
    cat "$work/curl"
  fi
}

# hash_of TEXT : prints the SHA-256 of a text.
hash_of() {
  local hash
  hash=$(printf %s "$1" | sha256sum)
  echo "${hash%% *}"
}

# add_file FILE : adds a file to the list of files to send, once.
add_file() {
  local path=${1#./} name path_hash
  name=${path##*/}
  [[ -f $path ]] || { refused "$name" 'it is no file' && return; }
  [[ -s $path ]] || { refused "$name" 'the file is empty' && return; }
  path_hash=$(hash_of "$path")
  [[ ! -e $work/path-$path_hash ]] || return 0
  : >"$work/path-$path_hash"
  [[ $path == /* ]] || path=./$path # curl takes "-" for standard input
  files+=("$path")
  printf '%s %s %s\0\n' "$(hash_of "$name")" "$path_hash" "$name" >>"$work/files"
}

# Makes the folder for the results, before anything is sent: without it all work would be for nothing.
make_out() {
  ! $wait || { mkdir -p -- "$out" && [[ -w $out ]]; } 2>/dev/null || fail "results cannot be written to $out"
}

# Sends the files on the list, each under a name that gives its result a name of its own.
send_files() {
  local at=0 sent_as names
  ((${#files[@]} > 0)) || return 0
  jq --raw-input --slurp --raw-output --arg suffix "$suffix" --from-file "$root/scripts/lib/result-names.jq" "$work/files" >"$work/named"
  while read -r sent_as names; do
    send_file "${files[at]}" "$sent_as" "$names"
    at=$((at + 1))
  done <"$work/named"
}

# send_file FILE SENT_AS NAMES : sends one file, and adds its id and names to the list of images to wait for. Split accepts
# or refuses it by its content. SENT_AS and NAMES: as lib/result-names.jq prints them.
send_file() {
  local name=${1##*/} said
  if ask "/?name=$2$recipe_query" --header "content-type: $(media_type "$1")" --data-binary "@$1"; then
    said=$(jq --raw-output '"\(.id) \(.width)x\(.height), \(.tiles) tiles"' "$work/answer")
    echo "${said%% *} $3" >>"$work/sent"
    say "$name sent: ${said#* }"
  else
    refused "$name" "$(reason)"
  fi
}

# media_type FILE : prints the type that its name stands for.
media_type() {
  case $1 in
    *.[Pp][Nn][Gg]) echo image/png ;;
    *.[Jj][Pp][Gg] | *.[Jj][Pp][Ee][Gg] | *.[Jj][Ff][Ii][Ff]) echo image/jpeg ;;
    *) echo application/octet-stream ;;
  esac
}

# is_result FILE : whether it has the label of a result of Tessera (functions/lib/image/label.ts).
is_result() {
  [[ -f $1 ]] && head -c 79 "$1" | LC_ALL=C grep -aq Tessera-Image
}

# add_folder FOLDER : adds the images in a folder to the list, and prints what else is there.
add_folder() {
  local LC_ALL=C path name skipped=() images=0 list
  shopt -s nullglob
  for path in "${1%/}"/*; do
    name=${path##*/}
    case $(media_type "$name") in
      image/*)
        # Each filter has its own ending, so only the file itself can say.
        if [[ $name == *_*.png || $name == *_*.jpg ]] && is_result "$path"; then
          skipped+=("$name (the result of an earlier run)")
        elif [[ -f $path ]]; then
          add_file "$path"
          images=$((images + 1))
        elif [[ -L $path && ! -e $path ]]; then
          skipped+=("$name (a broken link)")
        elif [[ ! -d $path ]]; then
          skipped+=("$name (no file)")
        fi
        ;;
      *) if [[ -d $path ]]; then skipped+=("$name/"); else skipped+=("$name"); fi ;;
    esac
  done
  ((images > 0)) || empty_folders+=("$1")
  if ((${#skipped[@]} > 0)); then
    printf -v list '%s, ' "${skipped[@]}"
    say "${#skipped[@]} skipped: ${list%, }"
  fi
}

# Makes split read its own INPUT_PATH. Split says whether another request has to follow.
send_inputs() {
  local body
  body=$(jq --null-input --compact-output --arg input "$input" --argjson recipe "$recipe" \
    '(if $input == "" then {} else {$input} end) + ($recipe | with_entries({key, value: (.value | tonumber? // .)}))')
  while [[ $body != null ]]; do
    ask / --header 'content-type: application/json' --data "$body" || fail "split refused: $(reason)"
    jq --raw-output '.images[] | select(.id) | "\(.id) \({name})"' "$work/answer" >>"$work/sent"
    jq --raw-output '.images[] | if .id then "\(.name) sent: \(.width)x\(.height), \(.tiles) tiles" else "\(.name) refused: \(.error.detail // .error.title)" end
      | gsub("[[:cntrl:]]"; "?")' "$work/answer"
    refused=$((refused + $(jq '[.images[] | select(.id | not)] | length' "$work/answer")))
    body=$(jq --compact-output .next "$work/answer")
  done
  jq --raw-output 'select(.skipped.count > 0) | .skipped | "\(.count) skipped: \([.files[] | "\(.name) (\(.reason))"] | join(", "))"
    | gsub("[[:cntrl:]]"; "?")' "$work/answer"
}

# fetch ID FILE : fetches the result of an image that is done. FILE is written completely or not at all.
fetch() {
  local path
  if ask "/images/$1/result"; then
    path=$out/$2
    [[ -d ${path%/*} ]] || mkdir -p "${path%/*}"
    mv "$work/answer" "$path"
    done_count=$((done_count + 1))
    say "written: $path"
  else
    failed=$((failed + 1))
    say "no result for $2: $(reason)"
  fi
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

: >"$work/sent"
: >"$work/files"
if ((${#paths[@]} == 0)); then
  make_out
  send_inputs
fi
for path in ${paths[@]+"${paths[@]}"}; do
  [[ -e $path ]] || fail "there is no $path"
  if [[ -d $path ]]; then
    add_folder "$path"
  else
    add_file "$path"
  fi
done
make_out
send_files
sent=$(sort -u "$work/sent" | wc -l | tr -d ' ')
if ((${#empty_folders[@]} > 0)); then
  said="no PNG or JPEG in ${empty_folders[*]} (subfolders are not searched)"
  ((sent + refused > 0)) || fail "there was no image to send: $said"
  say "$said"
fi
((sent + refused > 0)) || fail 'there was no image to send'

if $wait; then
  follow
  echo "images=$((sent + refused)) done=$done_count failed=$((failed + refused))"
else
  echo "images=$((sent + refused)) sent=$sent refused=$refused"
fi
((failed + refused == 0)) || exit 1
