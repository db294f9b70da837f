# SPDX-License-Identifier: Apache-2.0
# The simulated cluster's own use: seeds, soak, scenarios, seeded bugs, coverage.
#
#   make sim [SEED=n] [STEPS=k] [NODES=m] [SEEDS=n] [TRACE=file]
#   make sim-min SEED=n [STEPS=k] [NODES=m] [SCENARIO=file]
#   make soak MINUTES=t

SIMDRIVE_SRC := $(filter-out tests/sim/sim_main.c tests/sim/otp_%,$(sort $(wildcard tests/sim/*.c)))
SIMDRIVE_OBJ := $(SIMDRIVE_SRC:%.c=$(BUILD)/obj/%.o)
SIMDRIVE_A := $(BUILD)/libsimdrive.a
SIMDRIVE := $(BUILD)/tests/sim
SCENARIOS := $(sort $(wildcard tests/sim/scenarios/*.sim))
SIM_LIBS := $(SIMDRIVE_A) $(BUILD)/libotpmodel.a $(SUPPORT_A) $(SIM_A) $(LIB_A)

SEED ?=
STEPS ?= 400
NODES ?= 0
SEEDS ?= 500
MINUTES ?= 10
TRACE ?=
SCENARIO ?= tests/sim/scenarios/seed_$(SEED).sim

$(SIMDRIVE_A): $(SIMDRIVE_OBJ)
	$(call say,AR)mkdir -p $(@D) && rm -f $@ && $(ARCHIVE) rcs $@ $(SIMDRIVE_OBJ)

$(SIMDRIVE): $(BUILD)/obj/tests/sim/sim_main.o $(SIM_LIBS)
	$(call say,LD)mkdir -p $(@D) && $(CC) -pie $(PARTS) $(ALL_LDFLAGS) -o $@ $< \
		-Wl,--start-group $(SIM_LIBS) -Wl,--end-group $(LIBS)

# A node that crashes while a handler waits loses what that stack holds, as a process does. What a
# node leaves otherwise is told by its own heap, and leaks by the unit suites.
SIM_ENV = $(subst detect_leaks=1,detect_leaks=0,$(SAN_ENV))

sim_args = --steps $(STEPS) --nodes $(NODES) --jobs $(JOBS)
scenario_args = $(foreach file,$(SCENARIOS),--scenario $(file))

.PHONY: sim sim-min soak mutants coverage
sim: ## play 500 seeds of the simulated cluster, or the one of SEED=
sim: $(SIMDRIVE)
	@$(SIM_ENV) $(SIMDRIVE) $(sim_args) $(if $(TRACE),--trace $(TRACE)) \
		$(if $(SEED),--seed $(SEED),--first 1 --count $(SEEDS) $(scenario_args))

sim-min: ## shrink the failing SEED= to a scenario file
sim-min: $(SIMDRIVE)
	@$(SIMDRIVE) $(sim_args) --seed $(SEED) --minimise $(SCENARIO)

soak: ## play new seeds for MINUTES=
soak: $(SIMDRIVE)
	@$(SIMDRIVE) $(sim_args) --first $$(date +%s)00000 --minutes $(MINUTES)

mutants: ## build with deliberate faults and show what finds each
	@tests/sim/mutants.sh
coverage: ## lines and branches of dist/ and pg/ that unit tests and simulation reach
	@tests/sim/coverage.sh

-include $(SIMDRIVE_OBJ:.o=.d) $(BUILD)/obj/tests/sim/sim_main.d

# What is pure in it has unit suites.
SIM_SUITES := $(addprefix $(BUILD)/tests/unit/,test_books test_minimise)
$(SIM_SUITES): $(SIMDRIVE_A)
$(SIM_SUITES): LDLIBS += $(SIMDRIVE_A) $(SUPPORT_A) $(LIB_A) $(PKG_LIBS)

# Runs are what the pool plays.
$(BUILD)/tests/unit/test_run_limit: $(SIM_LIBS)
$(BUILD)/tests/unit/test_run_limit: LDLIBS += -Wl,--start-group $(SIM_LIBS) -Wl,--end-group $(PKG_LIBS) -lm

# The model of an OTP node: a library of its own, which shares no code with the nodes.
OTP_SRC := $(sort $(wildcard tests/sim/otp_*.c))
OTP_OBJ := $(OTP_SRC:%.c=$(BUILD)/obj/%.o)
OTP_A := $(BUILD)/libotpmodel.a
OTP_SUITES := $(addprefix $(BUILD)/tests/unit/,test_otp_model test_otp_guest \
	test_otp_replay)

$(OTP_A): $(OTP_OBJ)
	$(call say,AR)mkdir -p $(@D) && rm -f $@ && $(ARCHIVE) rcs $@ $(OTP_OBJ)

$(OTP_SUITES): $(OTP_A) $(SIM_A)
$(OTP_SUITES): LDLIBS += -Wl,--start-group $(OTP_A) $(SUPPORT_A) $(SIM_A) $(LIB_A) -Wl,--end-group \
	$(PKG_LIBS)

-include $(OTP_OBJ:.o=.d)
