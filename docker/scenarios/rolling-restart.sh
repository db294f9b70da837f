# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2046
# Every node is stopped in order and started again, one after the other: nobody pauses.

left=$(members)
while [ -n "${left// /}" ]; do
	choose $left
	traffic 1
	lab_restart "$REPLY"
	expect whole 60 $(members)
	left=$(echo " $left " | sed "s/ $REPLY / /")
done
never_paused
traffic 2
