# Downloads files of releases and checks them. Sourced by cluster.sh after common.sh.
# shellcheck shell=bash disable=SC2154 # the folder for downloads is cluster.sh's, the root common.sh's

# download URL : leaves the file in $work/download and its checksum in $checksum.
download() {
  curl --fail --silent --show-error --location --proto '=https' --retry 3 --output "$work/download" "$1" || fail "cannot be downloaded: $1"
  checksum=$(sha256sum "$work/download" | cut -c 1-64)
}

# github_checksum URL : prints the checksum that GitHub has for a file of a release; nothing if it cannot be asked, or has none
# (of files uploaded before June 2025).
github_checksum() {
  local owner repository tag file release
  IFS=/ read -r _ _ _ owner repository _ _ tag file <<<"$1"
  release=$work/$owner.$repository.$tag.json
  # The files of one release need one request: without an account, GitHub answers 60 in an hour.
  [[ -s $release ]] ||
    curl --fail --silent --location --proto '=https' --retry 3 "https://api.github.com/repos/$owner/$repository/releases/tags/$tag" >"$release" ||
    return 0
  jq --raw-output --arg file "$file" '.assets[]? | select(.name == $file) | .digest // empty | ltrimstr("sha256:")' "$release"
}

# check URL CHECKSUM SOURCE : stops if the download has another checksum.
check() {
  [[ $checksum == "$2" ]] || fail "$1 has the checksum $checksum, not $2 as $3 says"
}

# download_checked URL : downloads a file and checks it against scripts/checksums.txt, or else against GitHub.
download_checked() {
  local known
  download "$1"
  known=$(awk -v url="$1" '$2 == url { print $1 }' "$root/scripts/checksums.txt")
  if [[ -n $known ]]; then
    check "$1" "$known" scripts/checksums.txt
  elif known=$(github_checksum "$1") && [[ -n $known ]]; then
    check "$1" "$known" GitHub
  else
    echo "note: neither scripts/checksums.txt nor GitHub has a checksum for $1"
  fi
}
