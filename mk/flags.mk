# SPDX-License-Identifier: Apache-2.0
# Compiler and linker flags, and the libraries.

ifeq ($(origin CC),default)
CC := gcc
endif

PACKAGES := libuv libcrypto libconfig
PKG_CFLAGS = $(shell pkg-config --cflags $(PACKAGES))
PKG_LIBS = $(shell pkg-config --libs $(PACKAGES))

WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wundef -Werror
DEFINES := -D_GNU_SOURCE -DFLITCH_VERSION='"$(VERSION)"'

ifeq ($(SAN),)
OPTIMIZE := -O2 -g
HARDEN := -fstack-protector-strong -D_FORTIFY_SOURCE=2
SANITIZE :=
else
# _FORTIFY_SOURCE hides accesses from the sanitizers, so it stays out here.
OPTIMIZE := -O1 -g -fno-omit-frame-pointer
HARDEN :=
SANITIZE := -fsanitize=$(SAN) -fno-sanitize-recover=all
endif

ALL_CFLAGS = -std=c11 $(OPTIMIZE) -fPIC -fvisibility=default -pthread $(WARNINGS) $(DEFINES) \
	-Iinclude -I. $(PKG_CFLAGS) $(HARDEN) $(SANITIZE) $(CFLAGS)
ALL_LDFLAGS = -pthread -Wl,-z,relro,-z,now $(SANITIZE) $(LDFLAGS)
LIBS = $(PKG_LIBS) -ldl $(LDLIBS)

ifeq ($(V),)
say = @printf '  %-4s %s\n' $(1) $(@:$(BUILD)/%=%);
else
say =
endif
