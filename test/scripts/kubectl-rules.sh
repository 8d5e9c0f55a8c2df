# What kubectl itself refuses before it asks the cluster anything, in its own words. Sourced by stand-in.sh, so that a
# script that a real kubectl would refuse fails in its tests too.
# shellcheck shell=bash

# Options of each command that take a value in the next argument, and those that do not.
declare -A with_value=(
  [any]='--namespace -n --context'
  [get]='--output -o --selector -l --field-selector'
  [delete]='--selector -l --field-selector --timeout --grace-period --cascade'
  [wait]='--for --timeout --selector -l'
  [patch]='--type --patch -p --patch-file'
  [apply]='--filename -f --kustomize -k'
  [create]='--from-file --from-literal --filename -f'
  [exec]='--container -c'
  [logs]='--selector -l --container -c --tail --max-log-requests'
  [rollout]='--timeout'
  [scale]='--replicas --timeout --selector -l'
  [annotate]='' [auth]='' [label]='' [config]='' [version]='--output -o' [kustomize]=''
  [api-resources]='--api-group --output -o'
  [run]='--image --restart --env --command'
)
declare -A without_value=(
  [get]='--ignore-not-found --all-namespaces -A --no-headers --watch'
  [delete]='--ignore-not-found --all --force --now --wait=false'
  [wait]='--all'
  [apply]='--server-side'
  [exec]='--stdin -i --tty -t'
  [logs]='--follow -f --prefix'
  [annotate]='--overwrite' [auth]='--quiet -q' [label]='--overwrite' [version]='--client'
  [run]='--rm --stdin -i --quiet'
)

refuse() {
  echo "error: $*" >&2
  exit 1
}

# holds LIST WORD : whether WORD is one of the words of LIST.
holds() {
  [[ " $1 " == *" $2 "* ]]
}

# check_kubectl ARGUMENT... : exits with kubectl's error where it would refuse these arguments.
check_kubectl() {
  local verb='' selector='' all_namespaces='' for_='' patch='' source_='' all='' dashes='' replicas='' rest=() option
  while (($# > 0)); do
    option=${1%%=*}
    case $1 in
      --)
        dashes=yes
        break
        ;;
      -*)
        if [[ $1 == *=* && $1 == --* ]]; then
          [[ -z $verb ]] || holds "${with_value[any]} ${with_value[$verb]} ${without_value[$verb]:-}" "$option" || refuse "unknown flag: $option"
        elif holds "${with_value[any]} ${with_value[${verb:-any}]}" "$1"; then
          (($# > 1)) || refuse "flag needs an argument: $1"
        else
          holds "${without_value[${verb:-any}]:-}" "$1" || refuse "unknown flag: $1"
        fi
        case $option in
          --selector | -l | --field-selector) selector=yes ;;
          --all-namespaces | -A) all_namespaces=yes ;;
          --for) for_=yes ;;
          --patch | -p | --patch-file) patch=yes ;;
          --filename | -f | --kustomize | -k) source_=yes ;;
          --all) all=yes ;;
          --replicas) replicas=yes ;;
        esac
        if [[ $1 != *=* ]] && holds "${with_value[any]} ${with_value[${verb:-any}]}" "$1"; then
          shift
        fi
        ;;
      *)
        if [[ -z $verb ]]; then
          verb=$1
          [[ -v with_value[$verb] && $verb != any ]] || refuse "unknown command \"$verb\" for \"kubectl\""
        else
          rest+=("$1")
        fi
        ;;
    esac
    shift
  done
  case $verb in
    get)
      ((${#rest[@]} > 0)) || [[ -n $source_ ]] || refuse 'You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported resources.'
      check_names
      ;;
    delete)
      ((${#rest[@]} > 0)) || [[ -n $source_ ]] || refuse 'must specify one of -f and -k'
      check_names
      [[ -n $selector$all$source_ || ${rest[0]} == */* || ${#rest[@]} -gt 1 ]] || refuse 'resource(s) were provided, but no name was specified'
      ;;
    scale) [[ $replicas == yes ]] || refuse 'required flag(s) "replicas" not set' ;;
    wait) [[ -n $for_ ]] || refuse 'unrecognized condition: ""' ;;
    patch) [[ -n $patch ]] || refuse 'must specify --patch or --patch-file containing the contents of the patch' ;;
    apply) [[ -n $source_ ]] || refuse 'must specify one of -f and -k' ;;
    exec)
      ((${#rest[@]} > 0)) || refuse 'pod, type/name or --filename must be specified'
      [[ ${#rest[@]} -eq 1 && -n $dashes ]] || refuse 'exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead'
      ;;
    annotate) ((${#rest[@]} > 2)) || [[ ${rest[0]-} == */* && ${#rest[@]} -gt 1 ]] || refuse 'at least one annotation update is required' ;;
    logs) [[ -z $selector || ${#rest[@]} -eq 0 ]] || refuse 'only a selector (-l) or a POD name is allowed' ;;
  esac
}

# check_names : the rules on types and names that get and delete share.
check_names() {
  local each
  if [[ ${rest[0]-} == */* ]]; then
    for each in "${rest[@]}"; do
      [[ $each == */* ]] || refuse 'there is no need to specify a resource type as a separate argument when passing arguments in resource/name form'
    done
    [[ -z $selector ]] || refuse 'name cannot be provided when a selector is specified'
  elif ((${#rest[@]} > 1)); then
    for each in "${rest[@]:1}"; do
      [[ $each != */* ]] || refuse 'there is no need to specify a resource type as a separate argument when passing arguments in resource/name form'
    done
    [[ -z $selector ]] || refuse 'name cannot be provided when a selector is specified'
    [[ -z $all_namespaces ]] || refuse 'a resource cannot be retrieved by name across all namespaces'
  fi
}
