# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2046
# All nodes get a new certificate while they serve (needs up --tls): no call fails before links are dialled anew.

[ -n "$tls" ] || die 69 "this lab has no TLS" "it was started without" "docker/lab down, docker/lab up --tls"
expect certified 20 $(members)
for round in 1 2; do
	traffic $((1 + RANDOM % 3))
	mark "a new certificate"
	be_new_certs
	for node in $(c_nodes); do be_hup "$node"; done
	ctl forget_certificates >/dev/null
	expect certified 20 $(members)
	# Links that are up stay so; the first round has dropped none yet.
	[ $round = 2 ] || never_lost
	traffic 2
	mark "all pairs connect at once"
	ctl connect_all 60 >/dev/null || record connect bad "the driver did not answer"
	expect whole 60 $(members)
done
traffic 2
