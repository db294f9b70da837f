# SPDX-License-Identifier: Apache-2.0
# Compiler and linker flags, and the libraries.

# gcc 12 refuses fences under ThreadSanitizer, so clang builds for the sanitizers where there is one.
ifeq ($(origin CC),default)
CC := $(if $(SAN),$(if $(shell command -v clang),clang,gcc),gcc)
endif

PACKAGES := libuv libssl libcrypto libconfig lmdb
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)

ifeq ($(PKG_LIBS),)
$(info some development packages are missing; `make deps` installs them)
endif

WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wundef -Werror
DEFINES := -D_GNU_SOURCE -DFLITCH_VERSION='"$(VERSION)"'

# A flag that this compiler has for this machine.
takes = $(shell $(CC) -Werror $(1) -x c -c -o /dev/null /dev/null 2>/dev/null && echo $(1))

ifeq ($(SAN),)
OPTIMIZE := -O2 -g
HARDEN := -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 $(call takes,-fstack-clash-protection) \
	$(call takes,-fcf-protection=full) $(call takes,-mbranch-protection=standard)
SANITIZE :=
SAN_ENV :=
else
# _FORTIFY_SOURCE hides accesses from the sanitizers, so it stays out here.
OPTIMIZE := -O1 -g -fno-omit-frame-pointer
HARDEN :=
SANITIZE := -fsanitize=$(SAN) -fno-sanitize-recover=all
SAN_ENV := ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 \
	UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=second_deadlock_stack=1
endif
# ThreadSanitizer of clang 14 does not start where the kernel spreads addresses widely.
ifeq ($(SAN),thread)
SAN_ENV += FL_SUITE_PREFIX="$(if $(shell setarch -R true 2>/dev/null && echo y),setarch -R)"
endif

# gcc optimises the binary and the shared library as a whole: a third more messages a second. The
# objects hold ordinary code as well, for the static library and the tests.
ifeq ($(SAN)$(findstring clang,$(CC)),)
OPTIMIZE += -fno-semantic-interposition -flto=auto -ffat-lto-objects
WHOLE := -flto=auto -O2 $(HARDEN)
PARTS := -fno-lto
ARCHIVE := gcc-ar
else
WHOLE :=
PARTS :=
ARCHIVE := ar
endif

ALL_CFLAGS = -std=c11 $(OPTIMIZE) -fPIC -fvisibility=default -pthread $(WARNINGS) $(DEFINES) \
	-Iinclude -I. $(PKG_CFLAGS) $(HARDEN) $(SANITIZE) $(CFLAGS)
ALL_LDFLAGS = -pthread -Wl,-z,relro,-z,now,-z,noexecstack $(SANITIZE) $(LDFLAGS)
LIBS = $(PKG_LIBS) -ldl -lm $(LDLIBS)

ifeq ($(V),)
say = @printf '  %-4s %s\n' $(1) $(@:$(BUILD)/%=%);
else
say =
endif
