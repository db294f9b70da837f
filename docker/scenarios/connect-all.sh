# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2046
# All links are dropped, and every node dials every other at the same time, several times over.

for _ in 1 2 3; do
	traffic $((1 + RANDOM % 2))
	mark "all pairs connect at once"
	ctl connect_all 60 >/dev/null || record connect bad "the driver did not answer"
	expect whole 60 $(members)
done
traffic 2
