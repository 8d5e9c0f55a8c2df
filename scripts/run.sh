#!/usr/bin/env bash
# Sends images to split, follows them, and fetches the results: the whole walk from a shell.
#
# Usage: scripts/run.sh [FILE|FOLDER]... [options]
#   without a file or folder: everything under the deployment's own INPUT_PATH
# Options:
#   --url URL           split's address      [$SPLIT_URL, else asked of the cluster]
#   --token-file FILE   where the access token is, if split asks for one   [$TESSERA_TOKEN]
#   --host NAME         the Host header to send, where the URL is not split's own name (a forwarded port)
#   --kernel K          odd kernel size, 1 to 255           [the deployment's KERNEL_SIZE]
#   --input NAME        one file or folder under INPUT_PATH
#   --out FOLDER        where results go                    [output]
#   --no-wait           only send
#   --timeout SECONDS   how long all images may take        [300]
#   --namespace NAME    where to look for split             [$TESSERA_NAMESPACE or tessera]
#   --help
#
# Prints one line for each image that moved, and at last: images=N done=N failed=N.
# Exit: 0 all done (or sent), 1 some failed or were refused, 2 it could not be done or took too long.
set -euo pipefail
# shellcheck source=lib/common.sh
source "$(dirname "$0")/lib/common.sh"

url=${SPLIT_URL:-}
host=''
kernel=''
input=''
out=output
wait=true
paths=()
while (($# > 0)); do
  case $1 in
    --url) url=$(value "$@"); shift 2 ;;
    --token-file) token_file=$(value "$@"); shift 2 ;;
    --host) host=$(value "$@"); shift 2 ;;
    --kernel) kernel=$(value "$@"); shift 2 ;;
    --input) input=$(value "$@"); shift 2 ;;
    --out) out=$(value "$@"); shift 2 ;;
    --no-wait) wait=false && shift ;;
    --timeout) timeout_s=$(value "$@"); shift 2 ;;
    --namespace) namespace=$(value "$@"); shift 2 ;;
    --help) show_help && exit ;;
    -*) fail "unknown: $1 (--help tells more)" ;;
    *) paths+=("$1") && shift ;;
  esac
done
[[ -z $kernel ]] || whole --kernel "$kernel" 1
whole --timeout "$timeout_s" 1
need curl jq
if [[ -z $url ]]; then
  need kubectl
  url=$(split_url)
  [[ -n $url ]] || fail "namespace $namespace has no split with a URL: scripts/deploy.sh, or give --url"
fi
url=${url%/}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prepare_token "$work"
deadline=$((SECONDS + timeout_s))
refused=0
done_count=0
failed=0

# ask PATH [CURL OPTION...] : a request to split; its answer goes to $work/answer. Waits where it is told to (429, 503 with
# Retry-After).
ask() {
  local options=(--show-error --fail-with-body --retry 8 --max-time "$timeout_s" --output "$work/answer")
  [[ -z $host ]] || options+=(--header "Host: $host")
  : >"$work/answer"
  request "${options[@]}" "${@:2}" "$url$1" 2>"$work/curl"
}

# refused NAME REASON : counts and tells an image that was not taken.
refused() {
  refused=$((refused + 1))
  echo "$1 refused: $2"
}

# What an answer that is a fault says, or curl's own words when there was no answer.
reason() {
  if [[ -s $work/answer ]]; then
    jq --raw-output '.detail // .title' "$work/answer" 2>/dev/null || head -c 200 "$work/answer"
  else
    cat "$work/curl"
  fi
}

# Sends one file; its id and name go to the list of those to follow.
send_file() {
  local name type query
  name=$(basename "$1")
  [[ $name =~ ^[A-Za-z0-9._-]{1,128}$ ]] || { refused "$name" 'the name may have letters, digits and ._- only' && return; }
  case $(tr '[:upper:]' '[:lower:]' <<<"$name") in
    *.png) type=image/png ;;
    *.jpg | *.jpeg) type=image/jpeg ;;
    *) refused "$name" 'only PNG and JPEG are taken' && return ;;
  esac
  query="name=$name${kernel:+&kernel=$kernel}"
  if ask "/?$query" --header "content-type: $type" --data-binary "@$1"; then
    jq --compact-output '{id, name}' "$work/answer" >>"$work/sent"
    jq --raw-output '"\(.name) sent: \(.width)x\(.height), \(.tiles) tiles"' "$work/answer"
  else
    refused "$name" "$(reason)"
  fi
}

# Has split read its own INPUT_PATH.
send_inputs() {
  local body
  body=$(jq --null-input --compact-output --arg input "$input" --arg kernel "$kernel" \
    '(if $input == "" then {} else {$input} end) + (if $kernel == "" then {} else {kernel: ($kernel | tonumber)} end)')
  ask / --header 'content-type: application/json' --data "$body" || fail "split refused: $(reason)"
  jq --compact-output '.images[] | select(.id) | {id, name}' "$work/answer" >>"$work/sent"
  jq --raw-output '.images[] | if .id then "\(.name) sent: \(.width)x\(.height), \(.tiles) tiles" else "\(.name) refused: \(.error.detail // .error.title)" end' "$work/answer"
  refused=$(jq '[.images[] | select(.id | not)] | length' "$work/answer")
}

# Fetches the result of an image that is done, whole or not at all.
fetch() {
  local file=$out/$2
  ask "/images/$1/result" || fail "no result of $2: $(reason)"
  mv "$work/answer" "$file"
  echo "$2 written to $file"
}

# Follows every image that was sent until it is over or the time is.
follow() {
  local id name state line before
  mkdir -p "$out"
  cp "$work/sent" "$work/open"
  while [[ -s $work/open ]]; do
    : >"$work/left"
    while IFS=$'\t' read -r id name; do
      ask "/images/$id" || fail "split does not tell of $name: $(reason)"
      state=$(cat "$work/answer")
      line=$(jq --raw-output '"\(.name) \(.status) \(.done)/\(.tiles)"' <<<"$state")
      before=$(cat "$work/line-$id" 2>/dev/null || true)
      [[ $line == "$before" ]] || echo "$line"
      echo "$line" >"$work/line-$id"
      case $(jq --raw-output .status <<<"$state") in
        done)
          fetch "$id" "$(jq --raw-output '.output | split("/") | last' <<<"$state")"
          done_count=$((done_count + 1))
          ;;
        failed | cancelled)
          failed=$((failed + 1))
          jq --raw-output '"\(.name): \(.error)"' <<<"$state"
          ;;
        *) jq --null-input --compact-output --arg id "$id" --arg name "$name" '{$id, $name}' >>"$work/left" ;;
      esac
    done < <(jq --raw-output '[.id, .name] | @tsv' "$work/open")
    mv "$work/left" "$work/open"
    [[ ! -s $work/open ]] || ((SECONDS < deadline)) || fail "not over after $timeout_s s: $(jq --raw-output .name "$work/open" | paste -sd ' ' -)"
    [[ ! -s $work/open ]] || sleep 0.2
  done
}

: >"$work/sent"
if ((${#paths[@]} == 0)); then
  send_inputs
fi
for path in ${paths[@]+"${paths[@]}"}; do
  [[ -e $path ]] || fail "there is no $path"
  if [[ -d $path ]]; then
    while IFS= read -r file; do
      send_file "$file"
    done < <(find "$path" -maxdepth 1 -type f \( -iname '*.png' -o -iname '*.jpg' -o -iname '*.jpeg' \) | sort)
  else
    send_file "$path"
  fi
done
sent=$(wc -l <"$work/sent" | tr -d ' ')
((sent + refused > 0)) || fail 'there was no image to send'

if $wait; then
  follow
  echo "images=$((sent + refused)) done=$done_count failed=$((failed + refused))"
else
  echo "images=$((sent + refused)) sent=$sent refused=$refused"
fi
((failed + refused == 0)) || exit 1
