# Makes the RDB file on standard input what Redis starts from. Runs in a pod that has Redis's volume, with the volume's folder
# as the only argument. With an append-only file, Redis reads nothing but what the manifest of that file names.
# shellcheck shell=sh
set -eu
cd "$1"
cat >backup.rdb
redis-check-rdb backup.rdb >&2
rm -rf appendonlydir
mkdir appendonlydir
mv backup.rdb appendonlydir/appendonly.aof.1.base.rdb
echo 'file appendonly.aof.1.base.rdb seq 1 type b' >appendonlydir/appendonly.aof.manifest
