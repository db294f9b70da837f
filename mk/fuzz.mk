# SPDX-License-Identifier: Apache-2.0
# Fuzz targets: each tests/fuzz/fuzz_NAME.c is a program of its own under libFuzzer, AddressSanitizer
# and UndefinedBehaviorSanitizer, always built by clang into $(BUILD)/fuzz. And the scenes of tests/oom.

FUZZ_CC ?= $(firstword $(shell command -v clang clang-14))
FUZZ_DIR := $(BUILD)/fuzz
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_NAMES := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=%)
FUZZ_SHARED := $(filter-out $(FUZZ_SRC) tests/fuzz/cut.c,$(wildcard tests/fuzz/*.c)) \
	tests/support/handshake_pair.c tests/support/lab.c tests/support/lab_net.c
FUZZ_OBJ := $(patsubst %.c,$(FUZZ_DIR)/obj/%.o,$(LIB_SRC) $(FUZZ_SHARED))
FUZZ_BIN := $(FUZZ_NAMES:%=$(FUZZ_DIR)/fuzz_%)
FUZZ_CFLAGS = -std=c11 -O1 -g -fno-omit-frame-pointer -pthread $(WARNINGS) $(DEFINES) -Iinclude -I. \
	$(PKG_CFLAGS) -fno-sanitize-recover=all

# How long `make fuzz` takes, and which targets it runs (all).
ifeq ($(origin SECONDS),command line)
FUZZ_SECONDS := $(SECONDS)
else
FUZZ_SECONDS := 300
endif
TARGETS ?=

$(FUZZ_DIR)/obj/%.o: %.c mk/fuzz.mk
	@printf '  %-4s %s\n' FUZZ $<; mkdir -p $(@D) && $(FUZZ_CC) $(FUZZ_CFLAGS) \
		-fsanitize=fuzzer-no-link,address,undefined -MMD -MP -c -o $@ $<

$(FUZZ_DIR)/lib.a: $(FUZZ_OBJ)
	@rm -f $@ && ar rcs $@ $(FUZZ_OBJ)

$(FUZZ_DIR)/fuzz_%: $(FUZZ_DIR)/obj/tests/fuzz/fuzz_%.o $(FUZZ_DIR)/lib.a
	@printf '  %-4s %s\n' LD $(@F); $(FUZZ_CC) -fsanitize=fuzzer,address,undefined -pthread \
		-o $@ $< $(FUZZ_DIR)/lib.a $(LIBS)

# What makes seeds out of recorded traffic (tests/fuzz/record.sh).
$(FUZZ_DIR)/cut: $(FUZZ_DIR)/obj/tests/fuzz/cut.o $(FUZZ_DIR)/lib.a
	@printf '  %-4s %s\n' LD $(@F); $(FUZZ_CC) -fsanitize=address,undefined -pthread \
		-o $@ $< $(FUZZ_DIR)/lib.a $(LIBS)

.SECONDARY: $(FUZZ_SRC:%.c=$(FUZZ_DIR)/obj/%.o)
.PHONY: fuzz fuzz-check fuzz-build fuzz-merge fuzz-record
fuzz-build: $(FUZZ_BIN)

fuzz: ## fuzz for SECONDS=n in all (300), TARGETS="a b" alone; $(BUILD)/fuzz keeps what is found
	@$(again) -j$(JOBS) fuzz-build
	@BUILD=$(BUILD) tests/fuzz/run.sh long $(FUZZ_SECONDS) $(or $(TARGETS),$(FUZZ_NAMES))

fuzz-check: ## the corpus and a bounded number of inputs beyond it, the same each time
	@$(again) -j$(JOBS) fuzz-build
	@BUILD=$(BUILD) tests/fuzz/run.sh check $(or $(TARGETS),$(FUZZ_NAMES))

fuzz-merge: ## take into tests/corpus what was found and covers more
	@$(again) -j$(JOBS) fuzz-build
	@BUILD=$(BUILD) tests/fuzz/run.sh merge $(or $(TARGETS),$(FUZZ_NAMES))

fuzz-record: ## record traffic of OTP 25, 27 and 29 and cut it into seeds for fuzz-merge
	@$(again) -j$(JOBS) all $(FUZZ_DIR)/cut
	@BUILD=$(BUILD) tests/fuzz/record.sh 25 27 29

.PHONY: oom
oom: ## fail each allocation of a node in turn: start, connect, call, spawn, restart, stop
oom: $(OOM_BIN) $(EXAMPLE_SO)
	@BUILD=$(BUILD) $(SAN_ENV) FL_VERBOSE=1 tests/run.sh $(OOM_BIN)

-include $(FUZZ_OBJ:.o=.d) $(FUZZ_DIR)/obj/tests/fuzz/cut.d $(FUZZ_SRC:%.c=$(FUZZ_DIR)/obj/%.d)
