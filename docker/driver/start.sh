#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Starts an OTP node of the lab. All that differs comes by the environment:
#
#   LAB_NODE      beam25, beam27, beam29, driver: its name, at the host of the same name
#   LAB_COOKIE    goes to a file, since arguments can be seen by everybody
#   LAB_NODES     all members of the cluster, "c1 c2 c3 beam25 beam27"
#   LAB_TICKTIME  seconds          LAB_RESULTS  folder for the books        LAB_EBIN  compiled modules
#   LAB_POP       whether OTP prevents overlapping partitions (true)
#   LAB_TLS       folder with ca.pem, node.pem, node.key: connections are TLS
set -eu

HOME=$(mktemp -d)
export HOME
# A long line of flags of Elixir's own script is what sets them on all of its releases.
flags="-kernel net_ticktime ${LAB_TICKTIME:-4} net_setuptime 3 prevent_overlapping_partitions ${LAB_POP:-true}"
flags="$flags inet_dist_listen_min 9100 inet_dist_listen_max 9100"
(umask 077 && printf %s "$LAB_COOKIE" >"$HOME/.erlang.cookie")
if [ -n "${LAB_TLS:-}" ]; then
	side="[{certfile,\"$LAB_TLS/node.pem\"},{keyfile,\"$LAB_TLS/node.key\"},{cacertfile,\"$LAB_TLS/ca.pem\"},{verify,verify_peer}"
	printf '[{server,%s,{fail_if_no_peer_cert,true}]},{client,%s]}].\n' "$side" "$side" >"$HOME/ssl.conf"
	flags="$flags -proto_dist inet_tls -ssl_dist_optfile $HOME/ssl.conf"
fi
[ "$LAB_NODE" != driver ] || flags="$flags -hidden"
exec elixir --sname "$LAB_NODE@$LAB_NODE" --erl "$flags" -pa "${LAB_EBIN:-/lab/ebin}" \
	--no-halt -e 'Lab.Agent.main()'
