# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2046
# A C node and an OTP node stand still for less than the tick time: nobody is lost.

choose $(c_nodes)
traffic 2
lab_freeze "$REPLY" $((ticktime * 250))ms
traffic 2
choose $(beam_nodes)
lab_freeze "$REPLY" $((ticktime * 500))ms
expect whole 30 $(members)
never_lost
traffic 2
