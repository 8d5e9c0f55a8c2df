# Lists the files to send, for run.sh. Sourced by it after common.sh.
# shellcheck shell=bash disable=SC2154 # the folder for lists and the arrays that are filled here are run.sh's

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
