# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034,SC2046,SC2086,SC2015
# Images: bases from a registry, or by debootstrap and `docker import` where none can be reached.

# One file gives three releases: OTP 25, 27 and 29 are what these suites of Debian have.
suite_of() { # RELEASE
	case $1 in
	25) echo bookworm ;;
	27) echo trixie ;;
	29) echo forky ;;
	*) die 64 "no image is known for OTP $1" "25, 27 and 29 are" "docker/lab up --beams 25,27" ;;
	esac
}

base_of_tree() { # TREE IMAGE
	tar -C "$1" --numeric-owner --exclude=./dev --exclude=./proc --exclude=./sys \
		--exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' -cf - . |
		docker import --change 'CMD ["/bin/bash"]' - "$2" >/dev/null
}

# Prints the base for SUITE. TREE and PACKAGES say what debootstrap makes where nothing can be pulled;
# peers.sh keeps the tree, so that the next time takes seconds.
base_image() { # SUITE TREE PACKAGES
	local image=flitch-debian:${2##*/}
	if ! docker image inspect "$image" >/dev/null 2>&1; then
		if timeout 120 docker pull -q "debian:$1-slim" >/dev/null 2>&1; then
			docker tag "debian:$1-slim" "$image"
		else
			say "no registry answers for debian:$1-slim: made by debootstrap"
			"$top/scripts/peers.sh" tree "$2" "$1" "$3" >&2
			base_of_tree "$2" "$image"
		fi
	fi
	echo "$image"
}

# The classic builder takes a base that only this machine has; BuildKit may ask a registry for it.
build_image() { # IMAGE FILE ARG...
	local image=$1 file=$2 log
	shift 2
	log=$(mktemp)
	if ! DOCKER_BUILDKIT=0 docker build -t "$image" -f "$top/docker/$file" "$@" "$top" >"$log" 2>&1; then
		tail -n 40 "$log" >&2
		rm -f "$log"
		die 70 "cannot build $image" "the lines above say what failed" "mend it and repeat docker/lab images"
	fi
	rm -f "$log"
}

image_mb() { # IMAGE
	echo $(($(docker image inspect -f '{{.Size}}' "$1") / 1000000))
}

images() {
	local cache=${FLITCH_CACHE:-${HOME:-/root}/.cache/flitch} base release tree
	base=$(base_image bookworm "$cache/bookworm" apt)
	for target in runtime chaos; do
		build_image "flitch-$target:dev" Dockerfile --build-arg "BASE=$base" --target $target
		say "flitch-$target:dev $(image_mb "flitch-$target:dev") MB, $(($(image_mb "flitch-$target:dev") - \
			$(image_mb "$base"))) MB over its base"
	done
	for release in $beams; do
		tree=$cache/otp$release
		[ "$release" != 25 ] || tree=$cache/bookworm
		base=$(base_image "$(suite_of "$release")" "$tree" erlang-base,elixir)
		build_image "flitch-beam:$release" Dockerfile.beam --build-arg "BASE=$base"
		say "flitch-beam:$release $(image_mb "flitch-beam:$release") MB"
	done
}
