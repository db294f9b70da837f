#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The project's figures, each beside its peers in one run: `run.sh [PART...]`, parts being load,
# beam, tls, inside, groups, tables and node; none means all. Prints a table, and with all parts keeps it in
# docs/BENCHMARKS.md.
#
# The peers are a BEAM gen_server, a loop over erl_interface, and a ceiling that reads, answers and
# writes without a process model. Measurements alternate between the peers, round after round, and
# the table holds medians: ratios mean something even where the machine is noisy.
#
# Variables: BUILD (folder of the build), ROUNDS (5), MS (600, of one measurement), OUT (where the
# table is kept), FLITCH_RUN (further options of `flitch run`), FIGURES (those of bench_drive.erl).
set -uo pipefail

cd "$(dirname "$0")/../.." || exit 70
build=$(realpath -m "${BUILD:-build}")
rounds=${ROUNDS:-5}
ms=${MS:-600}
out=${OUT:-docs/BENCHMARKS.md}
parts=${*:-load beam tls inside groups tables node}
bin=$build/bench
started=$(date +%s)

for tool in erl erlc epmd gcc; do
	command -v $tool >/dev/null || { echo "bench: $tool is not installed" >&2; exit 69; }
done
[ -x "$build/flitch" ] || { echo "bench: $build/flitch is not built" >&2; exit 69; }

work=$(mktemp -d)
pids=()
stop_all() {
	for pid in "${pids[@]}"; do kill -9 "$pid"; done
	wait
	rm -rf "$work"
} 2>/dev/null
trap stop_all EXIT
trap 'exit 130' INT TERM

cookie=bench_$(od -An -N8 -tx8 /dev/urandom | tr -d ' ')
export HOME=$work/home FLITCH_COOKIE=$cookie ERL_EPMD_ADDRESS=127.0.0.1
unset "${!FLITCH_DIST@}" "${!RELEASE_@}" ERL_FLAGS ERL_AFLAGS ERL_ZFLAGS
mkdir -p "$HOME" "$bin"

say() { [ ! -t 2 ] || printf '\r\033[K%s' "bench: $*" >&2; }

# ---- programs ----------------------------------------------------------------------------------

compile() {
	local ei flags='-std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -I. -Iinclude'
	ei=$(erl -noinput -boot start_clean -eval \
		'io:put_chars(code:lib_dir(erl_interface)), halt().') || return 1
	# shellcheck disable=SC2046,SC2086
	gcc $flags -o "$bin/load" tests/bench/load.c tests/bench/wire.c -lcrypto &&
		gcc $flags -I"$ei/include" -o "$bin/peer_ceiling" tests/bench/peer_ceiling.c \
			tests/bench/wire.c "$ei/lib/libei.a" -lcrypto -pthread &&
		gcc $flags -I"$ei/include" -o "$bin/peer_ei" tests/bench/peer_ei.c \
			"$ei/lib/libei.a" -pthread &&
		gcc $flags -o "$bin/ready" tests/bench/ready.c &&
		gcc $flags -flto=auto -o "$bin/inside" tests/bench/inside.c "$build/libflitch.a" \
			$(pkg-config --libs libuv libssl libcrypto libconfig lmdb) -ldl -lm -pthread &&
		gcc $flags -flto=auto -o "$bin/nursery" tests/bench/nursery.c "$build/libflitch.a" \
			$(pkg-config --libs libuv libssl libcrypto libconfig lmdb) -ldl -lm -pthread &&
		gcc $flags -flto=auto -o "$bin/tables" tests/bench/tables.c "$build/libflitch.a" \
			$(pkg-config --libs libuv libssl libcrypto libconfig lmdb) -ldl -lm -pthread &&
		gcc $flags -fPIC -shared -o "$bin/groups.so" tests/bench/groups.c &&
		erlc -o "$bin" tests/bench/bench_*.erl
}

erl_command=(erl -noinput -hidden -boot start_clean -setcookie "$cookie"
	-kernel inet_dist_use_interface '{127,0,0,1}' -pa "$bin")
erl_node() { # NAME ARGUMENTS...
	local name=$1
	shift
	exec "${erl_command[@]}" -name "$name@127.0.0.1" "$@"
}

flitch_node() { # NAME MODULE
	# shellcheck disable=SC2086
	exec "$build/flitch" run --name "$1@127.0.0.1" --set dist.epmd=on \
		--load "$build/examples/$2.so" ${FLITCH_RUN:-}
}

# Starts a peer and waits for its READY, ten seconds at most.
peer() { # NAME COMMAND...
	local name=$1
	shift
	"$@" >"$work/$name.out" 2>"$work/$name.err" </dev/null &
	pids+=($!)
	for _ in $(seq 200); do
		grep -q '^READY' "$work/$name.out" && return
		sleep 0.05
	done
	echo "bench: $name did not get ready: $(head -c 300 "$work/$name.err")" >&2
	exit 70
}

# A private epmd, on a port that was free a moment ago.
start_epmd() {
	local try
	for try in 1 2 3 4 5; do
		ERL_EPMD_PORT=$((20000 + (RANDOM + $$ + try) % 12000))
		export ERL_EPMD_PORT
		epmd -port "$ERL_EPMD_PORT" >/dev/null 2>&1 </dev/null &
		pids+=($!)
		for _ in 1 2 3 4 5 6 7 8 9 10; do
			epmd -names >/dev/null 2>&1 && kill -0 $! 2>/dev/null && return
			sleep 0.05
		done
	done
	echo "bench: no epmd" >&2
	exit 70
}

# ---- measurements ------------------------------------------------------------------------------

# Each prints lines "figure peer value" into $work/raw.
record() { sed "s/^\([^ ]*\) /\1 $1 /" >>"$work/raw"; }

load() { # FIGURE call|cast WINDOW PAYLOAD
	local name
	for name in beam ei ceiling flitch; do
		timeout 20 "$bin/load" "$name@127.0.0.1" "$cookie" "$(ms_as_s)" "$2" "$3" "$4" |
			sed "s/^/$1 $name /" >>"$work/raw"
	done
}
ms_as_s() { printf '%d.%03d' $((ms / 1000)) $((ms % 1000)); }

part_load() {
	local round
	for round in $(seq "$rounds"); do
		say "C generator, round $round of $rounds"
		load load_1000 call 1000 0
		load load_4k call 1000 4096
		load load_1 call 1 0
		load load_cast cast 0 0
	done
}

part_beam() {
	say "BEAM driver, $rounds rounds"
	(erl_node driver -run bench_drive main "$ms" "$rounds" beam=beam@127.0.0.1 \
		ei=ei@127.0.0.1 ceiling=full@127.0.0.1 flitch=flitch@127.0.0.1) \
		</dev/null >>"$work/raw"
}

# The same by TLS; certificates are for host names, since a BEAM before OTP 27 takes no others.
tls_node() { # NAME ARGUMENTS...
	local name=$1
	shift
	exec "${erl_command[@]}" -sname "$name@localhost" -proto_dist inet_tls \
		-ssl_dist_optfile "$work/certs/node.conf" "$@"
}

flitch_tls_node() { # NAME
	exec "$build/flitch" run --sname "$1@localhost" --set dist.epmd=on \
		--load "$build/examples/echo.so" --set tls.cert="$work/certs/node.pem" \
		--set tls.key="$work/certs/node.key" --set tls.ca="$work/certs/ca.pem"
}

part_tls() {
	say "BEAM driver by TLS, $rounds rounds"
	"$build/flitch" tls dev-certs "$work/certs" >/dev/null
	peer tls_beam tls_node tls_beam -run bench_peer echo x
	peer tls_flitch flitch_tls_node tls_flitch
	(tls_node tls_driver -run bench_drive main "$ms" "$rounds" beam=tls_beam@localhost \
		flitch=tls_flitch@localhost) </dev/null | sed 's/^/tls_/' >>"$work/raw"
}

part_inside() {
	local round
	for round in $(seq "$rounds"); do
		say "inside one node, round $round of $rounds"
		(erl_node "inside$round" -run bench_peer inside "$ms") </dev/null | record beam
		timeout 60 "$bin/inside" rates "$ms" 2>/dev/null | record flitch
	done
	say "memory of idle servers"
	(erl_node many +P 1000000 -run bench_peer memory 20000 200000) </dev/null | record beam
	timeout 60 "$bin/inside" memory 100000 1000000 2>/dev/null | record flitch
	say "a million children of one supervisor"
	(erl_node kids +P 2000000 -run bench_kids main 200000) </dev/null | record beam
	timeout 300 "$bin/nursery" 1000000 2>/dev/null | record flitch
}

part_groups() {
	say "process groups, $rounds rounds"
	(erl_node groups -run bench_groups main "$ms" "$rounds" "$build/flitch" "$bin/groups.so") \
		</dev/null >>"$work/raw"
}

part_tables() {
	local round
	for round in $(seq "$rounds"); do
		say "tables, round $round of $rounds"
		(cd "$work" && erl_node "tables$round" +sbwt none +sbwtdcpu none +sbwtdio none -run bench_tables main "$ms") </dev/null | record beam
		(cd "$work" && timeout 60 "$bin/tables" "$ms") 2>/dev/null | record flitch
	done
}

part_node() {
	local round
	for round in $(seq "$rounds"); do
		say "a node alone, round $round of $rounds"
		"$bin/ready" 1000 "${erl_command[@]}" -name "alone_b$round@127.0.0.1" \
			-run bench_peer echo x | record beam
		"$bin/ready" 1000 "$build/flitch" run --name "alone_f$round@127.0.0.1" \
			--set dist.epmd=on --load "$build/examples/echo.so" 2>/dev/null | record flitch
	done
}

print_head() {
	echo "# Benchmarks"
	echo
	echo "Written by \`make bench\` ($(date -u +%Y-%m-%d)): $(nproc) cores" \
		"($(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)), OTP $(erl -noinput \
		-boot start_clean -eval 'io:put_chars(erlang:system_info(otp_release)), halt().')," \
		"all on loopback. Each value is the median of $rounds rounds of $ms ms, in which the" \
		"peers took turns; read the ratios, the rest is this machine's."
	echo
}

compile || { echo "bench: the programs do not compile" >&2; exit 70; }
start_epmd
if [[ " $parts " == *" load "* || " $parts " == *" beam "* ]]; then
	peer beam erl_node beam -run bench_peer echo x
	peer ei "$bin/peer_ei" ei "$cookie"
	peer ceiling "$bin/peer_ceiling" ceiling "$cookie" mute
	peer full "$bin/peer_ceiling" full "$cookie" full
	peer flitch flitch_node flitch echo
fi
: >"$work/raw"
for part in $parts; do "part_$part"; done
{
	print_head
	awk -f tests/bench/table.awk "$work/raw" tests/bench/figures.txt
	cat tests/bench/notes.md 2>/dev/null
} >"$work/table"
[ ! -t 2 ] || printf '\r\033[K' >&2
cat "$work/table"
if [ $# -eq 0 ]; then
	mkdir -p "$(dirname "$out")"
	cp "$work/table" "$out"
fi
echo "bench: $(($(date +%s) - started)) s" >&2
