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
recipe=$(printf '%s\n' ${parameters[@]+"${parameters[@]}"} | jq --raw-input --null-input --compact-output \
  '[inputs | select(. != "") | capture("^(?<key>[^=]+)=(?<value>.*)$")] | from_entries')
recipe_query=$(jq --raw-output 'to_entries | map("&\(.key | @uri)=\(.value | @uri)") | add // ""' <<<"$recipe")
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
  [[ $(cat "$work/code") =~ ^(cut|408|429|502|503|504)$ ]] || return 1
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
      echo "HTTP $(cat "$work/code"): $(head -c 200 "$work/answer" | tr -s '[:space:]' ' ')"
  else
    cat "$work/curl"
  fi
}

# hash_of TEXT : prints the SHA-256 of a text.
hash_of() {
  printf %s "$1" | sha256sum | cut -c 1-64
}

# add_file FILE : adds a file to the list of files to send, once.
add_file() {
  local path=${1#./} name path_hash
  name=$(basename "$path")
  [[ -f $path ]] || { refused "$name" 'it is no file' && return; }
  [[ -s $path ]] || { refused "$name" 'the file is empty' && return; }
  path_hash=$(hash_of "$path")
  ! grep -qs "$path_hash" "$work/files" || return 0
  [[ $path == /* ]] || path=./$path # curl takes "-" for standard input
  files+=("$path")
  jq --null-input --compact-output --arg name "$name" --arg name_hash "$(hash_of "$name")" --arg path_hash "$path_hash" \
    '{$name, $name_hash, $path_hash}' >>"$work/files"
}

# Makes the folder for the results, before anything is sent: without it all work would be for nothing.
make_out() {
  ! $wait || { mkdir -p -- "$out" && [[ -w $out ]]; } 2>/dev/null || fail "results cannot be written to $out"
}

# Sends the files on the list, each under a name that gives its result a name of its own.
send_files() {
  local at=0 entry
  jq --slurp --compact-output --arg suffix "$suffix" --from-file "$(dirname "$0")/lib/result-names.jq" "$work/files" >"$work/named"
  while IFS= read -r entry; do
    send_file "${files[at]}" "$entry"
    at=$((at + 1))
  done <"$work/named"
}

# send_file FILE ENTRY : sends one file, and adds its id and names to the list of images to wait for. Split accepts or
# refuses it by its content.
send_file() {
  local path=$1 entry=$2 type query
  case $(tr '[:upper:]' '[:lower:]' <<<"$path") in
    *.png) type=image/png ;;
    *.jpg | *.jpeg | *.jfif) type=image/jpeg ;;
    *) type=application/octet-stream ;;
  esac
  query="name=$(jq --raw-output '.sent | @uri' <<<"$entry")$recipe_query"
  if ask "/?$query" --header "content-type: $type" --data-binary "@$path"; then
    jq --compact-output --argjson entry "$entry" '{id, name: $entry.name, file: $entry.file}' "$work/answer" >>"$work/sent"
    say "$(jq --raw-output --argjson entry "$entry" '"\($entry.name) sent: \(.width)x\(.height), \(.tiles) tiles"' "$work/answer")"
  else
    refused "$(jq --raw-output .name <<<"$entry")" "$(reason)"
  fi
}

# is_result FILE : whether it has the label of a result of Tessera (functions/lib/image/label.ts).
is_result() {
  [[ -f $1 ]] && head -c 79 "$1" | LC_ALL=C grep -aq Tessera-Image
}

# add_folder FOLDER : adds the images in a folder to the list, and prints what else is there.
add_folder() {
  local LC_ALL=C path name skipped=() images=0
  shopt -s nullglob
  for path in "${1%/}"/*; do
    name=$(basename "$path")
    case $(tr '[:upper:]' '[:lower:]' <<<"$name") in
      *.png | *.jpg | *.jpeg | *.jfif)
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
  ((${#skipped[@]} == 0)) || printf '%s\n' "${skipped[@]//[[:cntrl:]]/?}" | jq --raw-input --slurp --raw-output \
    'split("\n")[:-1] | "\(length) skipped: \(join(", "))"'
}

# Makes split read its own INPUT_PATH. Split says whether another request has to follow.
send_inputs() {
  local body
  body=$(jq --null-input --compact-output --arg input "$input" --argjson recipe "$recipe" \
    '(if $input == "" then {} else {$input} end) + ($recipe | with_entries({key, value: (.value | tonumber? // .)}))')
  while [[ $body != null ]]; do
    ask / --header 'content-type: application/json' --data "$body" || fail "split refused: $(reason)"
    jq --compact-output '.images[] | select(.id) | {id, name}' "$work/answer" >>"$work/sent"
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
  if ask "/images/$1/result"; then
    mkdir -p "$(dirname "$out/$2")"
    mv "$work/answer" "$out/$2"
    done_count=$((done_count + 1))
    say "written: $out/$2"
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
    [[ $(cat "$work/code") == 400 ]] || return 1
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
  local entry id name state line before seconds=0 has_changed
  can_wait=true
  sort -u "$work/sent" >"$work/open"
  while [[ -s $work/open ]]; do
    : >"$work/left"
    has_changed=false
    while IFS= read -r entry; do
      id=$(jq --raw-output .id <<<"$entry")
      if ! ask_status "$id" "$seconds"; then
        name=$(jq --raw-output .name <<<"$entry")
        [[ $(jq --raw-output .code "$work/answer" 2>/dev/null) == not-found ]] || fail "split does not give the status of $name: $(reason)"
        failed=$((failed + 1))
        say "$name is lost: split accepted it and does not know it any more. Redis has lost its data (docs/DEPLOY.md, \"Redis\"). Send it again."
        seconds=0
        continue
      fi
      seconds=0
      state=$(cat "$work/answer")
      line=$(jq --raw-output --argjson entry "$entry" '"\($entry.name) \(.status) \(.done)/\(.tiles)"' <<<"$state")
      before=$(cat "$work/line-$id" 2>/dev/null || true)
      [[ $line == "$before" ]] || { say "$line" && has_changed=true; }
      echo "$line" >"$work/line-$id"
      case $(jq --raw-output .status <<<"$state") in
        done)
          # In the same folders as its input. Parts of the name that would lead out of them are dropped.
          fetch "$id" "$(jq --raw-output --argjson entry "$entry" \
            '[.name | split("/")[:-1][] | select(. != "" and . != "." and . != "..")] + [$entry.file // (.output | split("/") | last)] | join("/")' <<<"$state")"
          ;;
        failed | cancelled)
          failed=$((failed + 1))
          say "$(jq --raw-output --argjson entry "$entry" '"\($entry.name): \(.error)"' <<<"$state")"
          ;;
        *) echo "$entry" >>"$work/left" ;;
      esac
    done <"$work/open"
    mv "$work/left" "$work/open"
    [[ ! -s $work/open ]] || ((SECONDS < deadline)) || fail "not over after $timeout_s s: $(jq --raw-output .name "$work/open" | paste -sd ' ' -)"
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
sent=$(sort -u "$work/sent" | wc -l | tr -d " ")
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
