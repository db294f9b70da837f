# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2046
# kill -9 of a C node, then of an OTP node; the others go on; each is started again.

for kind in c_nodes beam_nodes; do
	choose $($kind)
	killed=$REPLY
	traffic 2
	lab_kill "$killed"
	expect "[serving,degraded]" 30 $(others_than "$killed" | tr ' ' '\n' | grep '^c')
	traffic 3
	lab_restart "$killed"
	expect whole 60 $(members)
done
traffic 2
