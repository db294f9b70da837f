# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2046
# epmd of a C node and of an OTP node is killed: links stay, names come back, new links are found.

choose $(c_nodes)
c=$REPLY
choose $(beam_nodes)
beam=$REPLY
traffic 2
mark "kill -9 epmd on $c and $beam"
be_kill_epmd "$c"
be_kill_epmd "$beam"
traffic 3
never_lost
# OTP starts one with a node alone, and registers again with whichever comes.
be_start_epmd "$beam"
expect registered 20 "$c" "$beam"
lab_restart "$c"
expect whole 60 $(members)
lab_restart "$beam"
expect whole 60 $(members)
traffic 2
