# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2046
# A clean split, a C node and an OTP node against the others; the policy says who serves; then it heals.

choose $(c_nodes)
small_c=$REPLY
small=$small_c
# Of four members a C node stands alone: two against two would be a tie.
if [ "$(members | wc -w)" -gt 4 ]; then
	choose $(beam_nodes)
	small="$small_c $REPLY"
fi
# shellcheck disable=SC2086
large=$(others_than $small)
large_c=$(echo "$large" | tr ' ' '\n' | grep '^c')

# The list begins with c1, which is the oldest and the referee; a quorum is three. An oldest that is
# alone gives way.
serve=$large_c pause=$small_c
case $policy,$small in
keep_oldest,"c1 "* | keep_referee,c1*) serve=$small_c pause=$large_c ;;
esac

traffic $((2 + RANDOM % 3))
# shellcheck disable=SC2086
lab_partition "$(by_comma $small)" / "$(by_comma $large)"
# shellcheck disable=SC2086
expect paused 30 $pause
# shellcheck disable=SC2086
silent $pause
# shellcheck disable=SC2086
expect degraded 30 $serve
traffic 5
# shellcheck disable=SC2086
audible $pause
lab_heal
# shellcheck disable=SC2046
expect whole 60 $(members)
traffic 2
