#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Records real OTP nodes for the replay test: run.sh RELEASE... [-- SCENARIO...]
#
# Each scenario has fresh nodes, each release all scenarios; with 25 27 29 there are mixed clusters, too.
# What is recorded goes to tests/sim/recorded, over what was there.
set -eu

cd "$(dirname "$0")/../../.."
peers=$PWD/scripts/peers.sh
dir=$PWD/tests/sim/recorded
releases=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
	releases="$releases $1"
	shift
done
[ $# -eq 0 ] || shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

record() { # SCENARIO RELEASES
	echo "recording $1 with OTP $2"
	ERL_EPMD_PORT=$(shuf -i 20000-32000 -n 1) ERL_CRASH_DUMP_SECONDS=0 timeout -k 5 180 \
		erl -hidden -noinput -start_epmd false -pa "$work" -eval \
		"recorder:main(\"$peers\", \"$dir\", \"$1\", \"$2\")." </dev/null
}

mkdir -p "$dir"
erlc -o "$work" tests/sim/record/recorder.erl
for release in $releases; do
	"$peers" ensure "$release"
	for scenario in ${*:-connect names conflict locks third groups lost}; do
		record "$scenario" "$release $release $release"
	done
done
case "$releases" in
*25*27*29*)
	record mixed "25 27 29"
	record groups "27 29 29"
	;;
esac
