#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the image flitch-base:bookworm (Erlang, Elixir and what the binary links) by debootstrap
# and `docker import`, so that no image registry is needed. Does nothing when the image is there.
set -eu

image=flitch-base:bookworm
cd "$(dirname "$0")/.."
if docker image inspect "$image" >/dev/null 2>&1; then exit 0; fi

tree=${FLITCH_CACHE:-${HOME:-/root}/.cache/flitch}/docker-bookworm
scripts/peers.sh tree "$tree" bookworm \
	erlang-base,elixir,libuv1,libconfig9,liblmdb0,libssl3,ca-certificates,procps,iproute2,iptables
tar -C "$tree" --exclude=./dev --exclude=./proc --exclude=./sys -cf - . |
	docker import --change 'ENV LANG=C.UTF-8' --change 'CMD ["/bin/bash"]' - "$image" >/dev/null
echo "made $image" >&2
