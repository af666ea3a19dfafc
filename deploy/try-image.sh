#!/usr/bin/env bash
# Runs an image's files as a hardened container would: its own user, command and environment, as process 1, with
# a read-only root, no capabilities and no new privileges; only the volume and /tmp can be written to. It listens
# on loopback, where no key is wanted.
#
#     deploy/try-image.sh serving|training <folder with the image's files> <what buildah inspect says of it>
set -euo pipefail
cd "$(dirname "$0")/.."

target=$1 root=$2 image=$3
port=${PORT:-18000}
data=$(mktemp -d)
unshared=

finish() {
  [ -z "$unshared" ] || kill -KILL "$unshared" 2>/dev/null || true  # and what it started, by --kill-child
  rm -rf "$data"
}
trap finish EXIT

fail() { echo "FAILED: $*" >&2; exit 1; }

# The image's own word on how it is run; a line for each part.
said() { python3 -c 'import json, sys; config = json.load(open(sys.argv[1]))["Docker"]["config"]
found = config[sys.argv[2]]; print("\n".join(found) if isinstance(found, list) else found)' "$image" "$1"; }

mapfile -t environment < <(said Env)
mapfile -t command < <(said Cmd)
user=$(said User) folder=$(said WorkingDir)
chown "$user" "$data"
chmod 0750 "$data"

contained() {  # the arguments are the command
  exec unshare --mount --pid --fork --kill-child bash -c '
    set -e
    root=$1 data=$2 user=$3 folder=$4; shift 4
    mount --bind "$root" "$root"
    mount -t tmpfs -o nosuid,nodev,noexec tmpfs "$root/tmp"
    mount -t proc proc "$root/proc"
    mount --bind "$data" "$root/var/lib/chartcast"
    mount -o remount,bind,ro "$root"
    exec chroot "$root" /usr/bin/setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups \
      --bounding-set=-all --inh-caps=-all --no-new-privs \
      /usr/bin/env -i --chdir="$folder" "$@"
  ' contained "$root" "$data" "$user" "$folder" "${environment[@]}" UVICORN_HOST=127.0.0.1 UVICORN_PORT="$port" "$@"
}

step() { echo "-- $*"; }

step "user $user, command: ${command[*]}"
echo "   $(du -sm --apparent-size "$root" | cut -f1) MB in all: $(du -sm --apparent-size "$root/opt/venv" | cut -f1) MB of packages," \
  "$(du -sm --apparent-size "$root/srv" | cut -f1) MB of the app"
[ "${user%:*}" -gt 0 ] || fail "it runs as root"

step "the root is read-only, the volume is not"
(contained sh -c 'touch /srv/chartcast/x || touch /opt/venv/x || touch /etc/x') 2>/dev/null && fail "the root can be written to"
(contained sh -c 'touch /var/lib/chartcast/x && rm /var/lib/chartcast/x') || fail "the volume cannot be written to"

if [ "$target" = training ]; then
  step "the commands of training"
  (contained python -m training --help) | sed -n '1,4p'
  step "TensorFlow adds up"
  (contained python -c 'import tensorflow as tf; print(tf.__version__, float(tf.reduce_sum(tf.ones((3, 3)))))') 2>/dev/null
  exit
fi

step "nothing of training is in it"
(contained sh -c 'for name in tensorflow keras pandas matplotlib pip pytest training; do
    ! python -c "import $name" 2>/dev/null || { echo "$name"; exit 1; }
  done; ! find /srv -name "*.keras" | grep .') || fail "it is"

step "the schema, by the image's own alembic"
(contained python -m alembic upgrade head)

step "the server"
(contained "${command[@]}") &
unshared=$!
ask() { curl --silent --show-error --fail-with-body --max-time 30 "$@"; }
for _ in $(seq 60); do
  (contained python -m app.health.probe) && break
  kill -0 "$unshared" 2>/dev/null || fail "it stopped"
  sleep 1
done
server=$(pgrep -P "$unshared")
(contained python -m app.health.probe) || fail "the health check fails"
ask "http://127.0.0.1:$port/readyz"; echo

step "a chart goes in, a forecast comes out"
ask -F file=@data/sample/charts/ph.csv.gz "http://127.0.0.1:$port/ingest" | head -c 120; echo " …"
track=$(ask "http://127.0.0.1:$port/tracks?region=ph&limit=1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["items"][0]["track_id"])')
ask "http://127.0.0.1:$port/predict" -H 'content-type: application/json' \
  -d "{\"track_id\": \"$track\", \"region\": \"ph\"}" | head -c 700; echo

step "SIGTERM stops it"
kill -TERM "$server"
for _ in $(seq 20); do kill -0 "$server" 2>/dev/null || break; sleep 0.5; done
kill -0 "$server" 2>/dev/null && fail "it goes on"
unshared=
(contained python -m app.health.probe) && fail "something still answers"
echo "== all of it holds"
