# Runs inside the Redis pod, where a look takes milliseconds: waits for an image and holds Redis's writes with tiles of
# it in the hands of living workers. Prints `watching` at once and, at the end, how many tiles and the image's id; 0 when
# the image was over before. The hold ends by itself should nobody lift it.
#
# Arguments: KEY_PREFIX NAME WORKERS SECONDS LOST DEAD
#   LOST: tiles that died with naive workers before; DEAD: tokens of the claims that died with lease workers, by |
# shellcheck shell=sh
prefix=$1 name=$2 workers=$3 seconds=$4 lost=$5 dead=$6
hold_ms=120000

pause() {
  redis-cli client pause "$hold_ms" write >/dev/null
}

in_hand() {
  known=$(redis-cli hlen "$prefix:$image:tiles")
  queued=$(redis-cli llen "$prefix:job:queue")
  finished=$(redis-cli scard "$prefix:$image:done")
  waiting=$(($(redis-cli zcard "$prefix:job:delayed") + $(redis-cli zcard "$prefix:job:dead")))
  of_dead=$(redis-cli hvals "$prefix:$image:tokens" | grep -cxE -e "$dead" || true)
  held=$((known - queued - finished - waiting - lost - of_dead))
}

echo watching
end=$(($(date +%s) + seconds))
until
  image=$(redis-cli zrevrange "$prefix:images" 0 0)
  [ -n "$image" ] && [ "$(redis-cli hget "$prefix:$image:meta" name)" = "$name" ]
do
  [ "$(date +%s)" -lt "$end" ] || { echo 0 && exit; }
done
pause
expected=$(redis-cli hget "$prefix:$image:meta" tiles)
while [ "$(date +%s)" -lt "$end" ]; do
  in_hand
  # Every worker has a tile, or too few are left to wait for that.
  if [ "$held" -ge "$workers" ] || { [ "$held" -gt 0 ] && [ $((finished * 2)) -ge "$expected" ]; }; then
    echo "$held $image"
    exit
  fi
  case $(redis-cli hget "$prefix:$image:meta" state) in
    splitting | blurring) ;;
    *) break ;;
  esac
  # A moment in which split goes on and waiting workers claim.
  redis-cli client unpause >/dev/null
  pause
done
redis-cli client unpause >/dev/null
echo 0
