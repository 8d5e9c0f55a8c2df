# The buckets of the component s3. Sourced by deploy.sh after common.sh and compose.sh.
# shellcheck shell=bash disable=SC2154 # the options are deploy.sh's

# check_buckets : stops if the options for buckets do not fit. The functions check the places again.
check_buckets() {
  local place
  if ! with s3; then
    [[ $s3_input == s3://tessera/input ]] || fail "--input needs --with s3"
    [[ $s3_output == s3://tessera/output ]] || fail "--output needs --with s3"
    [[ $s3_endpoint == aws && $s3_region == auto && -z $s3_role ]] || fail "--s3-endpoint, --s3-region and --s3-role need --with s3"
    return
  fi
  for place in "$s3_input" "$s3_output"; do
    [[ $place =~ ^s3://[A-Za-z0-9][A-Za-z0-9._-]+(/[A-Za-z0-9._/-]*)?$ ]] || fail "not a place in a bucket: \"$place\" (s3://BUCKET/PREFIX)"
  done
  [[ ${s3_input%/}/ != "${s3_output%/}/"* ]] || fail "--input is inside --output, so results would be inputs"
  [[ $s3_endpoint =~ ^(aws|https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/?)$ ]] || fail "not the address of a service: \"$s3_endpoint\""
  [[ $s3_region =~ ^[A-Za-z0-9-]+$ ]] || fail "not a region: \"$s3_region\""
  [[ -z $s3_role || $s3_role =~ ^arn:[A-Za-z0-9:/+=,.@_-]+$ ]] || fail "not a role: \"$s3_role\" (arn:aws:iam::ACCOUNT:role/NAME)"
}

# bucket_settings : prints what makes new pods when it changes.
bucket_settings() {
  ! with s3 || echo "$s3_input $s3_output $s3_endpoint $s3_region $s3_role"
}

# bucket_patches : prints the entries of `patches` that put the options into the manifests.
bucket_patches() {
  with s3 || return 0
  local map='{ version: v1, kind: ConfigMap, name: tessera }'
  patch "$map" /data/INPUT_PATH "$s3_input"
  patch "$map" /data/OUTPUT_PATH "$s3_output"
  patch "$map" /data/S3_ENDPOINT "$s3_endpoint"
  patch "$map" /data/S3_REGION "$s3_region"
  case $(endpoint_port) in
    443 | 9000 | 7480) ;; # Open in any case.
    *) printf '  - target: %s\n    patch: |-\n      - { op: add, path: /spec/egress/0/ports/-, value: { port: %d, protocol: TCP } }\n' \
      '{ group: networking.k8s.io, kind: NetworkPolicy, name: s3 }' "$((10#$(endpoint_port)))" ;;
  esac
  [[ -z $s3_role ]] || printf '  - target: %s\n    patch: |-\n      - { op: add, path: /metadata/annotations, value: { %s: %s } }\n' \
    '{ version: v1, kind: ServiceAccount, name: split|assemble }' eks.amazonaws.com/role-arn "'$s3_role'"
}

# endpoint_port : prints the port of --s3-endpoint.
endpoint_port() {
  case $s3_endpoint in
    *:*:*) local port=${s3_endpoint##*:} && echo "${port%/}" ;;
    http:*) echo 80 ;;
    *) echo 443 ;;
  esac
}
