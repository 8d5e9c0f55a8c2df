#!/usr/bin/env bash
# Builds the images of split, blur and assemble and pushes them to a registry. Their tag is the version and a
# checksum of the sources. scripts/deploy.sh uses the same tag, so it makes new revisions only if the code has
# changed.
#
# Usage: scripts/images.sh --registry NAME [options]
#   --registry NAME     where to: NAME/tessera-split …
#   --tag TAG           another tag (give it to deploy.sh too)       [VERSION-CHECKSUM]
#   --platform LIST     for these, as linux/amd64,linux/arm64        [this machine's]
#   --tool NAME         docker, podman or buildah                    [the first one that is installed]
#   --digests FILE      write down what was pushed, for deploy.sh --digests FILE
#   --help
#
# For the local cluster: scripts/cluster.sh images.
# Exit: 0 pushed, 2 it could not be done.
set -euo pipefail
# shellcheck source=lib/common.sh
source "$(dirname "$0")/lib/common.sh"
# shellcheck source=lib/images.sh
source "$root/scripts/lib/images.sh"

registry=''
tag=''
platform=''
tool=''
digests=''
while (($# > 0)); do
  case $1 in
    --registry) registry=$(value "$@"); shift 2 ;;
    --tag) tag=$(value "$@"); shift 2 ;;
    --platform) platform=$(value "$@"); shift 2 ;;
    --tool) tool=$(value "$@"); shift 2 ;;
    --digests) digests=$(value "$@"); shift 2 ;;
    -h | --help) show_help && exit ;;
    *) fail "unknown: $1 (try --help)" ;;
  esac
done
[[ -n $registry ]] || fail '--registry is missing (try --help)'
[[ -n $tag ]] || tag=$(content_tag)
[[ $registry =~ ^[A-Za-z0-9./:_-]+$ && $tag =~ ^[A-Za-z0-9._-]+$ ]] || fail "not an image's name: \"$registry/tessera-split:$tag\""
for each in docker podman buildah; do
  [[ -n $tool ]] || ! type -P "$each" >/dev/null || tool=$each
done
[[ -n $tool ]] || fail 'not installed: docker, podman or buildah'
[[ $tool =~ ^(docker|podman|buildah)$ ]] || fail "--tool is docker, podman or buildah, not \"$tool\""
need "$tool"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# publish FUNCTION IMAGE : builds the image, pushes it, and writes its digest to $work/digest.
publish() {
  local build=(--build-arg "NODE_IMAGE=$NODE_IMAGE" --build-arg "COMMIT=$(commit)" --build-arg "FUNCTION=$1")
  [[ -z $platform ]] || build+=(--platform "$platform")
  if [[ $tool == docker ]]; then
    docker buildx build "${build[@]}" --tag "$2" --push --metadata-file "$work/metadata" "$root" || fail "$2 could not be built and pushed"
    sed -n 's/.*"containerimage.digest": *"\([^"]*\)".*/\1/p' "$work/metadata" >"$work/digest"
  else
    # One manifest list for all platforms. Without this, a leftover of an earlier build would be extended.
    "$tool" manifest rm "$2" >/dev/null 2>&1 || true
    "$tool" build "${build[@]}" --manifest "$2" "$root" || fail "$2 could not be built"
    "$tool" manifest push --all --digestfile "$work/digest" "$2" "docker://$2" || fail "$2 could not be pushed"
  fi
}

for function in "${functions[@]}"; do
  publish "$function" "$registry/tessera-$function:$tag"
  printf '%s %s\n' "$function" "$(cat "$work/digest")" >>"$work/digests"
done
[[ -z $digests ]] || cp "$work/digests" "$digests"
sed "s|^\([a-z]*\) |$registry/tessera-\1:$tag@|" "$work/digests"
echo "pushed: now scripts/deploy.sh --registry $registry${digests:+ --digests $digests}"
