#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs each argument as a shell command, all of them whatever fails, and adds up the lines
# "N passed, N failed" with which each of them ends. Prints the sum as its own last line.
# A command that fails without such a line, or without a failure in it, counts as one failure.
set -eu

log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0
failed=0
for command in "$@"; do
	echo "== $command"
	start=$(date +%s)
	{ sh -c "$command" </dev/null 2>&1 && echo 0 >"$log.rc" || echo $? >"$log.rc"; } | tee "$log"
	rc=$(cat "$log.rc")
	rm -f "$log.rc"
	# make adds lines of its own after a failure.
	counts=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$log" | tail -n 1)
	[ -n "$counts" ] || { counts='0 0'; [ "$rc" -ne 0 ] || rc=no-count; }
	if [ "$rc" != 0 ] && [ "${counts#* }" -eq 0 ]; then
		echo "FAIL - $command (exit code $rc)"
		counts="${counts% *} 1"
	fi
	passed=$((passed + ${counts% *}))
	failed=$((failed + ${counts#* }))
	echo "== $command: $(($(date +%s) - start)) s"
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
