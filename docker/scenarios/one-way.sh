# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2046
# Packets from one C node to another are lost, those the other way arrive: one of the two serves.

choose $(c_nodes)
from=$REPLY
choose $(others_than "$from" | tr ' ' '\n' | grep '^c')
to=$REPLY
# Of two equal cliques the one with the lowest name goes on.
lost=$to
[[ $from < $to ]] || lost=$from
# shellcheck disable=SC2086
others=$(others_than "$lost" | tr ' ' '\n' | grep '^c')

traffic 2
lab_one_way "$from" "$to"
expect paused 40 "$lost"
silent "$lost"
traffic 4
# shellcheck disable=SC2086
expect "[serving,degraded]" 20 $others
audible "$lost"
lab_heal
expect whole 60 $(members)
traffic 2
