# SPDX-License-Identifier: Apache-2.0
# Accelerators, each in examples/accel/NAME: built where its library is installed.

ACCEL_DIR := $(BUILD)/examples/accel
ACCEL_SO := $(if $(shell pkg-config --exists libzstd && echo y),$(ACCEL_DIR)/zstd.so)
ACCEL_SO += $(ACCEL_DIR)/vectors.so
ACCEL_SO += $(if $(shell pkg-config --exists libargon2 && echo y),$(ACCEL_DIR)/argon2.so)
ACCEL_SO += $(ACCEL_DIR)/store.so
ACCEL_LIBS_argon2 = $(shell pkg-config --libs libargon2)
ACCEL_LIBS_store = $(shell pkg-config --libs lmdb)
ACCEL_LIBS_vectors = -lm
ACCEL_LIBS_zstd = $(shell pkg-config --libs libzstd)

all: $(ACCEL_SO)

.SECONDEXPANSION:
$(ACCEL_DIR)/%.so: $$(wildcard examples/accel/$$*/*.[ch]) $(BUILD)/flags
	$(call say,LD)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -MMD -MP -MF $(@:.so=.d) \
		-shared $(PARTS) $(ALL_LDFLAGS) -o $@ $(wildcard examples/accel/$*/*.c) $(ACCEL_LIBS_$*)

.PHONY: accel accel-bench
accel: ## the accelerators, from Elixir; SAN=address or thread looks at them by a sanitizer
	@$(again) -j$(JOBS) all
	@BUILD=$(BUILD) $(SAN_ENV) examples/accel/run.sh test
accel-bench: ## beside what a team would do without them
	@$(again) -j$(JOBS) all
	@examples/accel/run.sh bench

-include $(ACCEL_SO:.so=.d)
