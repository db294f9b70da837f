#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds with the deliberate faults (node/base/bug.h) and shows, for each, what finds it: the first
# seed whose run breaks an invariant, else the first scenario, else a suite of process groups; of
# partition policies their unit suites. Writes a table, and ends with "N passed, N failed": a fault that nothing finds has failed.
#
#   SEEDS=n     how many seeds each may take (200)
#   BUGS="a b"  only these
set -eu
cd "$(dirname "$0")/../.."

build=build/mutants
seeds=${SEEDS:-200}
jobs=$(nproc 2>/dev/null || echo 2)
out=$(mktemp)
trap 'rm -f "$out"' EXIT

names() {
	git grep -hoE 'FLI_BUG\([a-z_]+\)' -- "$@" | sed 's/FLI_BUG(\(.*\))/\1/' | sort -u | tr '\n' ' '
}

by_sim() {
	FLITCH_BUG=$1 timeout 600 "$build/tests/sim" --first 1 --count "$seeds" --steps 400 \
		--jobs "$jobs" --until-failure >"$out" 2>&1 && return 1
	seed=$(sed -n 's/^FAIL - seed \([0-9]*\) .*/\1/p' "$out" | head -n 1)
	what=$(sed -n 's/^FAIL - seed [0-9]* step [0-9]*: //p' "$out" | head -n 1)
	[ -n "$seed" ] && echo "$what | $seed"
}

# What few seeds meet has a scenario.
by_scenario() {
	for scenario in tests/sim/scenarios/*.sim; do
		FLITCH_BUG=$1 timeout 100 "$build/tests/sim" --seed 1 --scenario "$scenario" \
			>"$out" 2>&1 && continue
		echo "$(sed -n 's/^FAIL - .* step [0-9]*: //p' "$out") | $(basename "$scenario")"
		return 0
	done
	return 1
}

# Of the faults in those sources, the suites that know them: by_suite FAULT SOURCES SUITE...
by_suite() {
	case " $(names "$2") " in *" $1 "*) ;; *) return 1 ;; esac
	bug=$1
	shift 2
	for suite; do
		FLITCH_BUG=$bug timeout 100 "$build/tests/unit/$suite" >"$out" 2>&1 && continue
		echo "$suite: $(sed -n 's/^FAIL - [a-z_]*: //p' "$out" | head -n 1) | -"
		return 0
	done
	return 1
}

plain="test_partition_decide test_partition_rules test_partition test_partition_lease test_partition_members"
groups="test_pg_scope test_pg_trouble"
make --no-print-directory -j"$jobs" BUILD="$build" CFLAGS=-DFLITCH_BUGS "$build/tests/sim" \
	$(printf "$build/tests/unit/%s " $plain $groups) >&2
# A suite that fails without a fault would find every one.
for suite in $plain $groups; do
	timeout 100 "$build/tests/unit/$suite" >"$out" 2>&1 || { cat "$out" >&2; exit 1; }
done
passed=0
failed=0
echo "| fault | found by | seed |"
echo "|---|---|--:|"
for bug in ${BUGS:-$(names '*.c')}; do
	if found=$(by_suite "$bug" 'dist/partition*.c' $plain || by_sim "$bug" || by_scenario "$bug" ||
		by_suite "$bug" 'pg/*.c' $groups); then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		found="nothing | -"
	fi
	echo "| $bug | $found |"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
