# Makes Redis start from the RDB file on standard input. Runs in a pod with Redis's volume; the volume's
# folder is the only argument. With an append-only file, Redis only reads what the manifest of that file
# names.
# shellcheck shell=sh
set -eu
cd "$1"
cat >backup.rdb
redis-check-rdb backup.rdb >&2
rm -rf appendonlydir
mkdir appendonlydir
mv backup.rdb appendonlydir/appendonly.aof.1.base.rdb
echo 'file appendonly.aof.1.base.rdb seq 1 type b' >appendonlydir/appendonly.aof.manifest
