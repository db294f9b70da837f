# SPDX-License-Identifier: Apache-2.0
# Unit suites: each tests/unit/test_*.c is a program of its own, linked with what it uses of the
# library and of tests/support. Every target here ends with the line "N passed, N failed".

UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
SUPPORT_SRC := $(sort $(wildcard tests/support/*.c))
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/tests/unit/%)
# Whole nodes, again and again, with one allocation after the other failing.
OOM_SRC := $(sort $(wildcard tests/oom/test_*.c))
OOM_BIN := $(OOM_SRC:tests/oom/%.c=$(BUILD)/tests/oom/%)
SUPPORT_OBJ := $(SUPPORT_SRC:%.c=$(BUILD)/obj/%.o)
SUPPORT_A := $(BUILD)/libsupport.a
TEST_LIBS = $(shell pkg-config --libs cunit) $(LIBS)

# These load modules, which look for any fl_*: they carry the whole library. The others take only
# what they use, so that a suite runs while another part of the tree is unfinished.
WHOLE_SUITES := test_module test_load
comma := ,

# The host's own release, and the newest other one.
HOST_RELEASE = $(shell scripts/peers.sh host)
SECOND_RELEASE = $(if $(filter 29,$(HOST_RELEASE)),27,29)
REST_RELEASES = $(filter-out $(HOST_RELEASE) $(SECOND_RELEASE),23 25 27 29)
interop = $(foreach release,$(1),'tests/interop/run.sh $(release)')
# Clusters of two releases.
MIXED_SUITES = t_global t_global_mesh t_global_clash t_pg_mesh
MIXED = 'FL_OTHER=27 tests/interop/run.sh 25 $(MIXED_SUITES)' 'FL_OTHER=29 tests/interop/run.sh 27 $(MIXED_SUITES)'
again = $(MAKE) --no-print-directory

# An archive: a suite that replaces a part of the library must not get what supports others.
$(SUPPORT_A): $(SUPPORT_OBJ)
	$(call say,AR)mkdir -p $(@D) && rm -f $@ && $(ARCHIVE) rcs $@ $(SUPPORT_OBJ)

$(BUILD)/tests/unit/%: $(BUILD)/obj/tests/unit/%.o $(SUPPORT_A) $(SIM_A) $(LIB_A)
	$(call say,LD)mkdir -p $(@D) && $(CC) -pie -rdynamic $(PARTS) $(ALL_LDFLAGS) -o $@ $< $(SUPPORT_A) \
		$(SIM_A) \
		$(if $(filter $*,$(WHOLE_SUITES)),-Wl$(comma)--whole-archive) $(LIB_A) \
		-Wl,--no-whole-archive $(TEST_LIBS)

.SECONDARY: $(UNIT_SRC:%.c=$(BUILD)/obj/%.o) $(OOM_SRC:%.c=$(BUILD)/obj/%.o) $(SUPPORT_OBJ)
.PHONY: check unit deps test test-installed matrix matrix-installed matrix-rest \
	matrix-rest-installed interop asan ubsan tsan tidy format
.PHONY: beam kills demo bench hostile

$(BUILD)/tests/oom/%: $(BUILD)/obj/tests/oom/%.o $(SUPPORT_A) $(LIB_A)
	$(call say,LD)mkdir -p $(@D) && $(CC) -pie -rdynamic $(PARTS) $(ALL_LDFLAGS) -o $@ $< $(SUPPORT_A) \
		-Wl,--wrap=fli_mem_libc $(LIB_A) $(TEST_LIBS)

unit: $(UNIT_BIN) $(OOM_BIN)
check: ## run the unit tests alone
check: unit $(EXAMPLE_SO) $(SIM_EXAMPLE)
	@BUILD=$(BUILD) $(SAN_ENV) tests/run.sh $(UNIT_BIN) $(OOM_BIN) $(SIM_EXAMPLE)

hostile: ## play a hostile peer against the built node
	@tests/hostile/run.sh

interop: ## drive the built node by the host's own Erlang and Elixir
	@tests/interop/run.sh $(HOST_RELEASE)

deps: ## install the Debian packages that are missing
	@scripts/deps.sh test

test: ## install what is missing, build, unit tests, the binary, interop with two releases
	@scripts/deps.sh test
	@$(again) test-installed

# Once erl is there: make expands a whole recipe, the host's release with it, before its first line.
test-installed:
	@$(again) -j$(JOBS) all unit || echo "the build failed: what follows tests what there is" >&2
	@scripts/total.sh '$(again) check' '$(again) sim' '$(again) fuzz-check' tests/cmd/run.sh tests/hostile/run.sh \
		'tests/interop/terms/run.sh $(HOST_RELEASE)' $(call interop,$(HOST_RELEASE) $(SECOND_RELEASE))

matrix: ## interop with every release that Debian has (23, 25, 27, 29)
	@scripts/deps.sh test
	@$(again) matrix-installed
matrix-installed:
	@$(again) -j$(JOBS) all
	@scripts/total.sh 'tests/interop/terms/run.sh 27' \
		$(call interop,$(sort 23 25 27 29 $(HOST_RELEASE))) $(MIXED)

# What `make test` leaves out of the matrix; .ci/run uses it.
matrix-rest:
	@scripts/deps.sh test
	@$(again) matrix-rest-installed
matrix-rest-installed:
	@$(again) -j$(JOBS) all
	@scripts/total.sh '$(again) beam' 'tests/interop/terms/run.sh 27' $(call interop,$(REST_RELEASES)) $(MIXED)

beam: ## the Erlang application flitch_beam, EUnit and ExUnit, on OTP 25, 27 and 29
	@$(again) -j$(JOBS) all
	@scripts/total.sh $(foreach release,$(sort 25 27 29 $(HOST_RELEASE)),'beam/test/run.sh $(release)') beam/test/new.sh 'examples/accel/run.sh test'

kills: $(BUILD)/tests/unit/test_durable ## kill the writer of a durable table 200 times
	@FL_KILL_ROUNDS=200 $< what_was_acknowledged

asan: ## unit tests under AddressSanitizer (with leaks)
	@$(again) SAN=address -j$(JOBS) check
ubsan: ## unit tests under UndefinedBehaviorSanitizer
	@$(again) SAN=undefined -j$(JOBS) check
tsan: ## unit tests under ThreadSanitizer
	@$(again) SAN=thread -j$(JOBS) check

tidy: ## layout, arrows between folders, lone headers, size budgets
	@scripts/tidy.sh
format: ## lay out every .c and .h by .clang-format
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs -r clang-format -i

script = @if [ -x $(1) ]; then $(2) exec $(1); else \
	echo "make $@: $(1) is not in this tree yet" >&2; exit 69; fi

demo: ## install what is missing, build, and let Elixir talk to a C node
	@scripts/deps.sh demo
	@$(again) -j$(JOBS) all
	$(call script,scripts/demo.sh)
bench: ## the figures, with their peers in the same run
	@$(again) -j$(JOBS) all
	$(call script,tests/bench/run.sh)

-include $(UNIT_SRC:%.c=$(BUILD)/obj/%.d) $(OOM_SRC:%.c=$(BUILD)/obj/%.d) $(SUPPORT_OBJ:.o=.d)

.PHONY: rows
rows: ## play the rows of the partition table with ROWS_SEEDS= seeds each
rows: $(BUILD)/tests/unit/test_rows_splits $(BUILD)/tests/unit/test_rows_time $(BUILD)/tests/unit/test_rows_life
	@for suite in $^; do FL_SEEDS=$(or $(ROWS_SEEDS),1000) FL_VERBOSE=1 $$suite || exit 1; done
