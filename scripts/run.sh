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
# shellcheck source=lib/ask-split.sh
source "$root/scripts/lib/ask-split.sh"
# shellcheck source=lib/files-to-send.sh
source "$root/scripts/lib/files-to-send.sh"
# shellcheck source=lib/follow-images.sh
source "$root/scripts/lib/follow-images.sh"

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

# refused NAME REASON : counts and reports an image that was not accepted.
refused() {
  refused=$((refused + 1))
  say "$1 refused: $2"
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
