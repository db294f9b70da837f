# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034,SC2046,SC2086,SC2015
# The back-end of containers: compose starts and ends them all, the engine does what concerns one, and
# the container `chaos` enters the network namespace of another.

if docker compose version >/dev/null 2>&1; then
	compose_program=(docker compose)
else
	compose_program=(docker-compose)
fi

be_check() {
	docker info >/dev/null 2>&1 ||
		die 69 "no Docker engine answers" "it is not installed, not started, or not yours to use" \
			"start it, or docker/lab up --backend netns"
	"${compose_program[@]}" version >/dev/null 2>&1 ||
		die 69 "neither docker compose nor docker-compose is there" "compose is a package of its own" \
			"apt install docker-compose"
	docker image inspect flitch-runtime:dev flitch-chaos:dev >/dev/null 2>&1 ||
		die 69 "the images are not built" "docker/lab images does that, once" "docker/lab images"
}

be_attach() { be_check; }

compose() {
	local release args=()
	for release in $beams; do args+=(--profile "otp$release"); done
	[ -z "$tls" ] || args=(-f "$here/compose.tls.yml" "${args[@]}")
	LAB_COOKIE=$cookie LAB_NODES=$(members) LAB_MEMBERS=$(members_by_comma) LAB_POLICY=$policy \
		LAB_TICKTIME=$ticktime LAB_POP=$pop LAB_C_POP=$(c_pop) LAB_SUBNET=$subnet LAB_DRIVER=${beams%% *} \
		"${compose_program[@]}" -p "$project" -f "$here/docker-compose.yml" "${args[@]}" "$@"
}

# What compose says matters when it fails.
quietly() { # COMMAND...
	local log
	log=$(mktemp)
	if ! "$@" >"$log" 2>&1 </dev/null; then
		tail -n 20 "$log" >&2
		rm -f "$log"
		return 1
	fi
	rm -f "$log"
}

# In place: C nodes read it at SIGHUP, OTP nodes once they forget the old one.
be_certs() {
	quietly compose up -d chaos
	be_new_certs
}

be_new_certs() {
	# shellcheck disable=SC2016
	be_exec chaos sh -c 'cd /certs && flitch tls dev-certs . "$@" && chown 10001:10001 *' sh driver $(members) >/dev/null
}

be_up() { quietly compose up -d --remove-orphans && rm -rf "$state/cid"; }
be_down() { quietly compose down -v -t 2 --remove-orphans; }
# C nodes of another policy, or with other certificates.
be_apply() { quietly compose up -d --no-deps $(c_nodes) && rm -rf "$state/cid"; }

# Containers, networks and volumes of this lab that are left.
be_left() {
	local label=label=com.docker.compose.project=$project
	docker ps -aq --filter "$label"
	docker network ls -q --filter "$label"
	docker volume ls -q --filter "$label"
}

# A container keeps its id until compose makes another one.
cid() { # NODE
	local file=$state/cid/$1
	if [ ! -s "$file" ]; then
		mkdir -p "$state/cid"
		docker ps -aq --filter "label=com.docker.compose.project=$project" \
			--filter "label=com.docker.compose.service=$1" >"$file"
	fi
	cat "$file"
}

quiet_docker() { docker "$@" >/dev/null; }

be_start() { quiet_docker start "$(cid "$1")"; }
be_stop() { quiet_docker stop -t 15 "$(cid "$1")"; }
be_kill() { quiet_docker kill "$(cid "$1")"; }
be_hup() { quiet_docker kill -s HUP "$(cid "$1")"; }
be_freeze() { quiet_docker pause "$(cid "$1")"; }
be_thaw() { quiet_docker unpause "$(cid "$1")" 2>/dev/null || :; }
be_logs() { docker logs "$(cid "$1")" 2>&1; }

be_exec() { # NODE CMD...
	local node=$1
	shift
	docker exec "$(cid "$node")" "$@"
}

be_iex() { # NODE
	docker exec -it "$(cid "$1")" sh -euc "$shell_of_guest" "$1"
}

# Running, healthy, paused, exited, in the engine's own words.
be_state() { # NODE
	docker inspect -f '{{.State.Status}}{{with .State.Health}} {{.Status}}{{end}}' "$(cid "$1")" 2>/dev/null ||
		echo absent
}

namespace_of() { # NODE
	docker inspect -f '/proc/{{.State.Pid}}/ns/net' "$(cid "$1")"
}

# What standard input says, a line NODE COMMAND each, in the nodes' network namespaces and all at once.
be_net() {
	local line node script='' lines=()
	local -A space
	mapfile -t lines
	[ ${#lines[@]} -gt 0 ] || return 0
	for node in $(printf '%s\n' "${lines[@]%% *}" | sort -u); do space[$node]=$(namespace_of "$node"); done
	for line in "${lines[@]}"; do script+="nsenter --net=${space[${line%% *}]} ${line#* }"$'\n'; done
	docker exec "$(cid chaos)" sh -euc "$script"
}

be_delay() { # NODE ADDRESS MS
	docker exec -d "$(cid chaos)" nsenter "--net=$(namespace_of "$1")" flitch-delay "$2" "$3"
}

be_call() { # TERM SECONDS
	docker exec "$(cid chaos)" flitch call driver@driver lab "$1" --timeout "$2s"
}

# Open files of the node: the child of the container's init.
be_fds() { # NODE
	# shellcheck disable=SC2016
	be_exec "$1" sh -c 'for p in /proc/[0-9]*; do
		case $(tr "\0" " " <$p/cmdline) in "flitch run "*) ls $p/fd | wc -l ;; esac; done'
}

be_kill_epmd() { # NODE
	# shellcheck disable=SC2016
	be_exec "$1" sh -c 'for p in /proc/[0-9]*; do
		case $(tr "\0" " " <$p/cmdline) in *[/" "]"epmd "* | "epmd "*) kill -9 ${p#/proc/} ;; esac; done'
}

be_start_epmd() { be_exec "$1" epmd -daemon; } # OTP's; a C node starts its own

be_clear() { be_exec driver rm -rf "/results/$1"; } # RUN

be_fetch() { # RUN
	mkdir -p "$results"
	rm -rf "${results:?}/$1"
	quiet_docker cp "$(cid driver):/results/$1" "$results/$1"
}

# The driver's programs without a lab: stdin to stdout.
be_filter() { # EXPRESSION
	docker run --rm -i --network none --entrypoint elixir "flitch-beam:${beams%% *}" -pa /lab/ebin -e "$1"
}
