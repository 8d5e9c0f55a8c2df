# The names of the images. Sourced after common.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # `functions` is for the scripts; the root and the versions are common.sh's

functions=(split blur assemble)

# content_tag : prints the version with a checksum of everything that goes into the images, so that other code
# has another tag.
content_tag() {
  local sum
  need sha256sum
  sum=$(
    cd "$root" || exit
    {
      echo "$NODE_IMAGE"
      # What .dockerignore includes.
      find Dockerfile package.json package-lock.json .npmrc scripts/build.ts docs/openapi.yaml functions -type f \
        ! -name '*.test.ts' ! -path 'functions/testing/*' -exec sha256sum {} + | LC_ALL=C sort -k 2
    } | sha256sum | cut -c 1-12
  )
  echo "$TESSERA_TAG-$sum"
}

# commit : prints the commit of this checkout, which the functions show in their metrics.
commit() {
  git -C "$root" rev-parse HEAD 2>/dev/null || echo unknown
}
