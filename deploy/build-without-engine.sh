#!/usr/bin/env bash
# Builds an image and tries it where no container engine runs: Debian's buildah does the Dockerfile's steps in a
# chroot, on a base made from Debian's packages; deploy/try-image.sh then runs what came out.
# docs/operations.md says what that shows and what it doesn't.
#
#     deploy/build-without-engine.sh [serving|training]
#
# Wants root, 4 GB in $TMPDIR (10 for training; all removed at the end), and: apt-get install --no-install-recommends buildah mmdebstrap curl
# PIP_CONFIG_FILE and SSL_CERT_FILE, where set, are seen by the build and don't get into the image.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${1:-serving}
work=$(mktemp -d -t chartcast-image-XXXXXX)
export TMPDIR=$work
buildah=(buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs)
trap '"${buildah[@]}" umount --all >/dev/null; rm -rf "$work"' EXIT

echo "== a base: Debian with python3 and pip"
mmdebstrap --quiet --variant=minbase --include=python3,python3-pip,ca-certificates bookworm "$work/base.tar"
base=$("${buildah[@]}" from scratch)
"${buildah[@]}" add --quiet "$base" "$work/base.tar" / >/dev/null
"${buildah[@]}" commit --quiet --rm "$base" chartcast-base >/dev/null
rm "$work/base.tar"

echo "== the Dockerfile, target $target"
site=()
[ -z "${PIP_CONFIG_FILE:-}" ] || site+=(--volume "$PIP_CONFIG_FILE:/etc/pip.conf:ro")
[ -z "${SSL_CERT_FILE:-}" ] || site+=(--volume "$SSL_CERT_FILE:/etc/ssl/certs/ca-certificates.crt:ro")
"${buildah[@]}" bud --quiet --isolation chroot --format docker --pull-never "${site[@]}" \
  --build-arg BASE=localhost/chartcast-base \
  --target "$target" --tag "chartcast-$target" .

container=$("${buildah[@]}" from --pull-never "localhost/chartcast-$target")
"${buildah[@]}" inspect "$container" > "$work/image.json"
deploy/try-image.sh "$target" "$("${buildah[@]}" mount "$container")" "$work/image.json"
