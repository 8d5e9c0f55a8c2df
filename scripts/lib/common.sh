# Shared by the scripts for a cluster. Sourced, never run.
# shellcheck shell=bash

root=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
# shellcheck source=../versions.env
source "$root/scripts/versions.env"
# Options of the callers change these.
namespace=${TESSERA_NAMESPACE:-tessera}
timeout_s=300
# The access token for split, if it requires one. Programs started from here do not need it.
token=${TESSERA_TOKEN:-}
unset TESSERA_TOKEN
token_file=''
token_options=()

# The comment at the head of a script is its help.
show_help() {
  sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p;}' "$0"
}

# say TEXT : prints it as one line. A control character, which may be in the name of a file, is shown as "?".
say() {
  printf '%s\n' "${1//[[:cntrl:]]/?}"
}

fail() {
  say "error: $*" >&2
  exit 2
}

# need TOOL... : stops unless every one of these commands exists.
need() {
  local tool missing=()
  for tool in "$@"; do
    type -P "$tool" >/dev/null || missing+=("$tool")
  done
  ((${#missing[@]} == 0)) || fail "not installed: ${missing[*]}"
}

# value OPTION ARGUMENT... : prints the argument of an option.
value() {
  if (($# < 2)) || [[ -z $2 ]]; then
    fail "$1 needs a value (try --help)"
  fi
  printf '%s' "$2"
}

# whole NAME TEXT MINIMUM : stops unless TEXT is an integer of at least MINIMUM.
whole() {
  if ! [[ $2 =~ ^[0-9]{1,9}$ ]] || ((10#$2 < $3)); then
    fail "$1 is an integer from $3, not \"$2\""
  fi
}

# prepare_token FOLDER : makes `request` send the access token. curl reads it from a file in FOLDER, because
# everyone on this machine can see command lines.
prepare_token() {
  if [[ -n $token_file ]]; then
    [[ -r $token_file ]] || fail "$token_file cannot be read"
    token=$(<"$token_file")
  fi
  [[ -n $token ]] || return 0
  [[ $token =~ ^[A-Za-z0-9._~+/-]+=*$ ]] || fail 'the access token is not one token of letters, digits and -._~+/'
  printf 'Authorization: Bearer %s\n' "$token" >"$1/token"
  token_options=(--header "@$1/token")
}

# request CURL_OPTION... : sends a request to split, with the access token if there is one. Sends no `Expect`,
# so that curl does not wait for `100 Continue` before a large body: split never sends one.
request() {
  curl --silent --header 'Expect:' ${token_options[@]+"${token_options[@]}"} "$@"
}

# kubectl itself, with the exit code 2 of these scripts if it fails. Its internal log (E1125 10:00:00 …) is left out: the
# line after it says what is wrong. If there is no such line, the last one of the log is all that is known.
kubectl() {
  local log='^[EWIF][0-9]{4} ' failed=false said
  { said=$(exec kubectl "$@" 2>&1 >&3 3>&-) || failed=true; } 3>&1
  if ! $failed; then
    [[ -z $said ]] || grep -Ev "$log" <<<"$said" >&2 || true
    return 0 # without the 0 it would return the exit code before an EXIT trap
  fi
  said=$(grep -Ev "$log" <<<"$said" || tail -n 1 <<<"$said")
  [[ -z $said ]] || echo "error: ${said#error: }" >&2
  return 2
}

# try FAULT COMMAND... : runs a command of kubectl. If it fails, stops with one line: the fault, and what kubectl said last.
try() {
  local said failed=false
  { said=$("${@:2}" 2>&1 >&3 3>&-) || failed=true; } 3>&1
  if $failed; then
    said=${said##*$'\n'}
    fail "$1${said:+: ${said#error: }}"
  fi
  [[ -z $said ]] || echo "$said" >&2
}

# last_words FILE : prints the last line of what a failed command said, without "error: ".
last_words() {
  local said
  said=$(tail -n 1 "$1")
  echo "${said#error: }"
}

# local_split : prints the URL of the pipeline that `npm start -- --serve` runs on this machine, or nothing. See
# local/serve-state.ts.
local_split() {
  local file newest=''
  for file in "${XDG_RUNTIME_DIR:-${TMPDIR:-/tmp}}/tessera-serve-$UID-"*/state.json; do
    if [[ -O $file ]] && kill -0 "$(jq .pid "$file")" 2>/dev/null; then
      [[ -n $newest && $newest -nt $file ]] || newest=$file
    fi
  done
  [[ -z $newest ]] || jq --raw-output .url "$newest"
}

# need_cluster : stops unless kubectl exists and can reach a cluster.
need_cluster() {
  local said
  need kubectl
  said=$(kubectl version 2>&1 >/dev/null) || { said=${said##*$'\n'} && fail "kubectl reaches no cluster: ${said#error: }"; }
}

# need_namespace : stops unless the cluster has the namespace. If we may not look at namespaces, we assume
# that it exists.
need_namespace() {
  local found
  need_cluster
  found=$(kubectl get namespace "$namespace" --ignore-not-found --output name 2>/dev/null) || return 0
  [[ -n $found ]] || fail "the cluster has no namespace $namespace: scripts/deploy.sh makes it"
}

kube() {
  kubectl --namespace "$namespace" "$@"
}

# has KIND NAME [OPTION...] : whether the cluster has it. Stops if kubectl cannot tell: what we may not see may be there.
has() {
  local found
  found=$(kubectl get "$1" "$2" --ignore-not-found --output name "${@:3}") || exit 2
  [[ -n $found ]]
}

# has_label KIND NAME LABEL VALUE [OPTION...] : whether the resource carries the label. Dots in LABEL are written \\. Stops
# if kubectl cannot tell.
has_label() {
  local found
  found=$(kubectl get "$1" "$2" --ignore-not-found --output "jsonpath={.metadata.labels.$3}" "${@:5}") || exit 2
  [[ $found == "$4" ]]
}

has_crd() {
  has customresourcedefinition "$1"
}

# may_list TYPE : whether this account may list the resources of that type.
may_list() {
  kube auth can-i list "$1" --quiet
}

redis() {
  kube exec statefulset/redis --container redis -- redis-cli "$@"
}

# queue_counts N : prints names and counts, one per line: the work, and the newest N images by state.
queue_counts() {
  local folder=$root/functions/lib/queue key_prefix
  key_prefix=$(kube get configmap tessera --ignore-not-found --output 'jsonpath={.data.KEY_PREFIX}')
  # shared.lua goes after the first line, as in script-text.ts.
  redis EVAL "$(sed "1r $folder/shared.lua" "$folder/counts.lua")" 1 "${key_prefix:-image}" "$1"
}

# Whether blur runs as a plain Deployment (the fallback overlay). A leftover of another overlay does not
# count.
is_fallback() {
  has_label service.serving.knative.dev blur 'tessera\.dev/scaled-by' deployment --namespace "$namespace"
}

split_url() {
  kube get service.serving.knative.dev split --output 'jsonpath={.status.url}'
}

# wait_for CONDITION RESOURCE : stops if the resource does not meet it in time.
wait_for() {
  try "$2 is not $1 after $timeout_s s (scripts/status.sh and kubectl -n $namespace describe $2 say why)" \
    kube wait "--for=condition=$1" "--timeout=${timeout_s}s" "$2"
}
