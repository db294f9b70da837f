# SPDX-License-Identifier: Apache-2.0
# The targets are listed by `make help`. Variables that a caller may set:
#   CC=clang-14          another compiler
#   SAN=address          address, undefined or thread; the build then goes to build/asan
#   BUILD=DIR            where everything is built
#   PREFIX= DESTDIR=     where `make install` puts it
#   V=1                  print the commands

VERSION := 0.1.0
SOVERSION := 0

SAN ?=
san_folder_address := asan
san_folder_undefined := ubsan
san_folder_thread := tsan
BUILD ?= build$(if $(SAN),/$(or $(san_folder_$(SAN)),$(SAN)))
PREFIX ?= /usr/local
DESTDIR ?=

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
JOBS := $(shell nproc 2>/dev/null || echo 2)

include mk/flags.mk
include mk/build.mk
include mk/test.mk
include mk/fuzz.mk
include mk/sim.mk
include mk/terms.mk
include mk/interop.mk
include mk/splits.mk
include mk/lab.mk
include mk/accel.mk
include mk/install.mk

.PHONY: help clean
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile mk/*.mk

clean: ## remove everything that was built
	rm -rf build $(BUILD)
