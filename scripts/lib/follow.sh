# Follows the images that run.sh has sent and fetches their results. Sourced by it after common.sh; uses its ask and reason, and
# counts in its done_count and failed.
# shellcheck shell=bash disable=SC2154 # work, out, deadline and timeout_s are run.sh's

# Gives every image that was sent the file for its result, as far as it does not follow from the output's name: where
# several results would be called the same, each is called after the whole name of its image.
name_files() {
  jq --slurp --compact-output '
    def stem: ascii_downcase | sub("\\.(png|jpe?g|jfif)$"; "");
    group_by(.name | stem)[] | length as $alike
    | group_by(.name)[] | unique_by(.id) | to_entries[]
    | (if .key == 0 then "" else "-\(.key + 1)" end) as $copy
    | .value + {file: (if $alike == 1 then null else "\(.value.name | split("/") | last)\($copy)_blurred.png" end)}' \
    "$work/sent"
}

# Fetches the result of an image that is done, whole or not at all: fetch ID FILE
fetch() {
  if ask "/images/$1/result"; then
    mkdir -p "$(dirname "$out/$2")"
    mv "$work/answer" "$out/$2"
    done_count=$((done_count + 1))
    echo "written: $out/$2"
  else
    failed=$((failed + 1))
    echo "no result for $2: $(reason)"
  fi
}

# Follows every image that was sent until it is over or the time is.
follow() {
  local entry id state line before
  mkdir -p "$out"
  name_files >"$work/open"
  while [[ -s $work/open ]]; do
    : >"$work/left"
    while IFS= read -r entry; do
      id=$(jq --raw-output .id <<<"$entry")
      ask "/images/$id" || fail "split does not tell of $(jq --raw-output .name <<<"$entry"): $(reason)"
      state=$(cat "$work/answer")
      line=$(jq --raw-output '"\(.name) \(.status) \(.done)/\(.tiles)"' <<<"$state")
      before=$(cat "$work/line-$id" 2>/dev/null || true)
      [[ $line == "$before" ]] || echo "$line"
      echo "$line" >"$work/line-$id"
      case $(jq --raw-output .status <<<"$state") in
        done)
          # In the folders of its input; a name that would lead out of them leads nowhere.
          fetch "$id" "$(jq --raw-output --argjson entry "$entry" \
            '[.name | split("/")[:-1][] | select(. != "" and . != "." and . != "..")] + [$entry.file // (.output | split("/") | last)] | join("/")' <<<"$state")"
          ;;
        failed | cancelled)
          failed=$((failed + 1))
          jq --raw-output '"\(.name): \(.error)"' <<<"$state"
          ;;
        *) echo "$entry" >>"$work/left" ;;
      esac
    done <"$work/open"
    mv "$work/left" "$work/open"
    [[ ! -s $work/open ]] || ((SECONDS < deadline)) || fail "not over after $timeout_s s: $(jq --raw-output .name "$work/open" | paste -sd ' ' -)"
    [[ ! -s $work/open ]] || sleep 0.2
  done
}
