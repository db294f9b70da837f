#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The lab itself as a test: images, up, verify, a split and its end, down. In containers where a Docker
# engine answers, in network namespaces otherwise; BACKEND=docker or netns chooses. The last line is
# "N passed, N failed".
set -uo pipefail

lab=$(cd "$(dirname "$0")" && pwd)/lab
backend=${BACKEND:-}
if [ -z "$backend" ]; then
	if docker info >/dev/null 2>&1 && { docker compose version || docker-compose version; } >/dev/null 2>&1; then
		backend=docker
		echo "lab: a Docker engine and compose answer: containers"
	else
		backend=netns
		echo "lab: no Docker engine with compose answers: network namespaces"
	fi
fi
passed=0 failed=0

step() { # ARG...
	local started=$SECONDS
	if "$lab" "$@" 2>&1; then
		passed=$((passed + 1))
		echo "ok - $backend: lab $* ($((SECONDS - started)) s)"
	else
		failed=$((failed + 1))
		echo "FAIL - $backend: lab $*"
		return 1
	fi
}

up_and_break() {
	step up --backend "$backend" --beams "${BEAMS:-25}" && step verify && step scenario split-heal --seed "${SEED:-1}"
}

trap 'exit 130' INT TERM
if [ "$backend" = netns ] || step images --beams "${BEAMS:-25}"; then
	up_and_break || for node in c1 driver; do echo "--- log of $node"; "$lab" logs $node 2>/dev/null | tail -n 20; done
	step down
fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
