# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2046
# A C node, then an OTP node, stands still for longer than the tick time: it is lost, and comes back.

for kind in c_nodes beam_nodes; do
	choose $($kind)
	frozen=$REPLY
	traffic 2
	lab_freeze "$frozen" $((ticktime * 2 + RANDOM % 3))s
	expect whole 60 $(members)
	lost_by_all "$frozen"
done
traffic 2
