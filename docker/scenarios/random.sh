# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2046
# Faults of all kinds from a seed, 15 of them or --faults N; at the end everything is mended.

# One that leaves the cluster to itself for a while, then mends what was broken.
random_fault() {
	local a b
	choose $(c_nodes)
	a=$REPLY
	choose $(others_than "$a")
	b=$REPLY
	case $((RANDOM % 8)) in
	0) lab_partition "$a,$b" / "$(by_comma $(others_than "$a" "$b"))" ;;
	1) lab_one_way "$a" "$b" ;;
	2) lab_one_way "$b" "$a" ;;
	3) lab_slow "$a" "$b" $((20 + RANDOM % 200))ms ;;
	4) lab_freeze "$b" $((1 + RANDOM % (2 * ticktime)))s ;;
	5) lab_kill "$b" ;;
	6) lab_restart "$b" ;;
	7) lab_kill "$a" ;;
	esac
	traffic $((1 + RANDOM % (2 * ticktime)))
}

for ((i = 1; i <= faults; i++)); do
	random_fault
	# Some faults meet others; most find the cluster mended.
	if ((RANDOM % 3 > 0)); then rejoin; fi
done
rejoin
expect whole 90 $(members)
traffic 2
