#!/usr/bin/env bash
# Compiles the JPEG codec to WebAssembly: libjpeg-turbo with the files of functions/lib/image/jpeg/libjpeg, rows.c for the
# decoder and write.c for the encoder. The results, libjpeg.wasm and libjpeg-write.wasm, are in the repository, so this is
# only needed after a change of these files or of the version. Pass the source as Debian 12 has it (apt-get source
# --download-only libjpeg-turbo).
#
# Usage: scripts/build-libjpeg.sh [--check] [--help] libjpeg-turbo_2.1.5.orig.tar.gz
#
# --check writes nothing and reports whether the results would be the files in the repository. The bytes depend
# on the compiler: the packages clang-14, lld-14, wasi-libc and libclang-rt-14-dev-wasm32 of Debian 12.
#
# Exit: 0 written, or unchanged; 1 different; 2 it could not be built.
set -euo pipefail
# shellcheck source=lib/common.sh
source "$(dirname "$0")/lib/common.sh"

source_sha256=254f3642b04e309fee775123133c6464181addc150499561020312ec61c1bf7c
decoder=(jcomapi jdapimin jdapistd jdatasrc jdcoefct jdcolor jddctmgr jdhuff jdinput jdmainct jdmarker jdmaster jdmerge
  jdphuff jdpostct jdsample jerror jidctflt jidctfst jidctint jidctred jmemmgr jmemnobs jquant1 jquant2 jsimd_none jutils)
encoder=(jcapimin jcapistd jccoefct jccolor jcdctmgr jchuff jcinit jcmainct jcmarker jcmaster jcomapi jcparam jcphuff
  jcprepct jcsample jerror jfdctflt jfdctfst jfdctint jmemmgr jmemnobs jsimd_none jutils)

check=false
tarball=
while (($# > 0)); do
  case $1 in
    --check) check=true && shift ;;
    -h | --help) show_help && exit ;;
    -*) fail "unknown: $1 (try --help)" ;;
    *)
      [[ -z $tarball ]] || fail "one too many: $1 (try --help)"
      tarball=$1 && shift
      ;;
  esac
done
[[ -n $tarball ]] || fail 'the source is missing (try --help)'
need clang-14 wasm-ld-14 sha256sum tar cmp

sha256sum --check --status <<<"$source_sha256  $tarball" || fail "$tarball is not the source of libjpeg-turbo 2.1.5"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/source"
tar --extract --file "$tarball" --directory "$work/source" --strip-components 1
sed 's/@COPYRIGHT_YEAR@/2023/' "$work/source/jversion.h.in" >"$work/source/jversion.h"

folder=$root/functions/lib/image/jpeg/libjpeg
is_same=true

# build SOURCE RESULT MODULE... : compiles SOURCE with these modules of libjpeg-turbo, and writes or compares the result.
build() {
  local source=$folder/$1 wasm=$folder/../$2 built=$work/$2
  local files=("${@:3}")
  files=("${files[@]/#/$work/source/}")
  files=("${files[@]/%/.c}")
  clang-14 --target=wasm32-wasi -mexec-model=reactor -O2 -ffunction-sections -fdata-sections \
    -DNDEBUG -DUSE_CLZ_INTRINSIC -DNO_GETENV -DNO_PUTENV -I "$folder" -I "$work/source" \
    "$source" "${files[@]}" \
    -Wl,--strip-all,--stack-first,--import-memory,--max-memory=4294967296 -o "$built"
  if $check; then
    if cmp "$built" "$wasm"; then echo "the same: $2"; else is_same=false; fi
  else
    cp "$built" "$wasm"
    echo "written: $2, $(wc -c <"$built") bytes"
  fi
}

build rows.c libjpeg.wasm "${decoder[@]}"
build write.c libjpeg-write.wasm "${encoder[@]}"
$is_same || exit 1
