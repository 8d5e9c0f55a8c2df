# Sends requests to split, and repeats them if that may help. Sourced by run.sh after common.sh.
# shellcheck shell=bash disable=SC2154 # the URL, the host, the deadline and the folder for answers are run.sh's

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

# Prints what the answer says about an error, or its status if it has no text.
reason() {
  if [[ -s $work/answer ]]; then
    jq --raw-output '.detail // .title' "$work/answer" 2>/dev/null ||
      echo "HTTP $(<"$work/code"): $(head -c 200 "$work/answer" | tr -s '[:space:]' ' ')"
  else
    cat "$work/curl"
  fi
}
