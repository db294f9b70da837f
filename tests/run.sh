#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs each unit suite given as an argument under a time limit and adds up their counts.
# A suite that dies or hangs before its last line counts as one more failure.
set -eu

limit_s=${FL_SUITE_LIMIT_S:-120}
passed=0
failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

for suite in "$@"; do
	rc=0
	# shellcheck disable=SC2086 # the prefix is a command with arguments
	timeout -k 5 "$limit_s" ${FL_SUITE_PREFIX:-} "$suite" >"$log" 2>&1 </dev/null || rc=$?
	counts=$(sed -n 's/^[^ ]*: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log" | tail -n 1)
	suite_passed=${counts% *}
	suite_failed=${counts#* }
	[ -n "$counts" ] || { suite_passed=0; suite_failed=0; }
	if [ "$rc" -ne 0 ] || [ -z "$counts" ]; then
		cat "$log"
		# Nothing counted as failed, and yet it did: a crash, a hang, a sanitizer's exit.
		if [ "$suite_failed" -eq 0 ]; then
			echo "FAIL - ${suite##*/}: exit code $rc (124 is the time limit of ${limit_s} s)"
			suite_failed=1
		fi
	elif [ -n "${FL_VERBOSE:-}" ]; then
		cat "$log"
	else
		tail -n 1 "$log"
	fi
	passed=$((passed + suite_passed))
	failed=$((failed + suite_failed))
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
