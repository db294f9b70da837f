#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# One C node and two BEAM nodes in containers: builds the image, brings docker/compose.yml up, waits
# until both BEAM nodes have called the C node's counter, tears everything down. Exit code 0 when
# both have, 69 when there is no container engine.
set -euo pipefail

cd "$(dirname "$0")/.."
build=${BUILD:-build}
if ! docker info >/dev/null 2>&1; then
	echo "smoke.sh: no Docker engine answers; start one, or install docker.io" >&2
	exit 69
fi
if docker compose version >/dev/null 2>&1; then
	compose=(docker compose)
elif command -v docker-compose >/dev/null; then
	compose=(docker-compose)
else
	echo "smoke.sh: neither docker compose nor docker-compose is there (apt install docker-compose)" >&2
	exit 69
fi
compose+=(-p "flitchsmoke$$" -f docker/compose.yml)
COMPOSE_COOKIE=$(od -An -N18 -tx1 /dev/urandom | tr -d ' \n')
export COMPOSE_COOKIE

context=$(mktemp -d)

down() {
	"${compose[@]}" down -t 5 --remove-orphans >/dev/null 2>&1 || :
	rm -rf "$context"
}
trap down EXIT
trap 'exit 130' INT TERM

docker/base.sh
# A context of its own: what was built may lie elsewhere, and nothing else need be sent.
mkdir -p "$context/build/examples" "$context/docker"
cp "$build/flitch" "$context/build/"
cp "$build"/examples/*.so "$context/build/examples/"
cp docker/smoke.exs "$context/docker/"
# The classic builder takes a base that only this machine has; BuildKit may ask a registry for it.
DOCKER_BUILDKIT=0 docker build -q -t flitch:smoke -f docker/Dockerfile "$context" \
	>"$context/log" 2>&1 || { cat "$context/log" >&2; exit 1; }

"${compose[@]}" up -d 2>/dev/null
rc=0
for service in b1 b2; do
	id=$("${compose[@]}" ps -q "$service")
	code=$(timeout 90 docker wait "$id") || code=124
	docker logs "$id" 2>&1
	[ "$code" = 0 ] || rc=1
done
c1=$("${compose[@]}" ps -q c1)
echo "smoke: c1 is $(docker inspect -f '{{.State.Status}}, {{.State.Health.Status}}' "$c1")"
if [ $rc -ne 0 ]; then
	echo "--- the C node's log" >&2
	docker logs "$c1" >&2
	exit 1
fi
docker stop -t 10 "$c1" >/dev/null
code=$(docker inspect -f '{{.State.ExitCode}}' "$c1")
echo "smoke: c1 left with exit code $code"
[ "$code" = 0 ]
