# SPDX-License-Identifier: Apache-2.0
# From sources found by wildcard to the binary, the libraries and the examples. A target whose
# sources are absent is left out, so that a partial tree builds too.

LIB_SRC := $(sort $(wildcard node/base/*.c node/term/*.c node/*.c dist/*.c pg/*.c cluster/*.c))
SIM_SRC := $(sort $(wildcard sim/*.c))
CMD_SRC := $(sort $(wildcard node/cmd/*.c))
SIM_EXAMPLE_SRC := $(sort $(wildcard examples/sim_*.c))
EXAMPLE_SRC := $(filter-out $(SIM_EXAMPLE_SRC),$(sort $(wildcard examples/*.c)))

LIB_OBJ := $(LIB_SRC:%.c=$(BUILD)/obj/%.o)
SIM_OBJ := $(SIM_SRC:%.c=$(BUILD)/obj/%.o)
CMD_OBJ := $(CMD_SRC:%.c=$(BUILD)/obj/%.o)
SIM_EXAMPLE := $(SIM_EXAMPLE_SRC:examples/%.c=$(BUILD)/examples/%)
EXAMPLE_SO := $(EXAMPLE_SRC:examples/%.c=$(BUILD)/examples/%.so)

LIB_A := $(BUILD)/libflitch.a
SIM_A := $(BUILD)/libflitch_sim.a
LIB_SO := $(if $(LIB_SRC),$(BUILD)/libflitch.so)
BINARY := $(if $(CMD_SRC),$(BUILD)/flitch)

.PHONY: all lib
all: ## build the binary, the libraries and the examples (the default)
all: lib $(BINARY) $(EXAMPLE_SO) $(SIM_EXAMPLE)
lib: $(LIB_A) $(LIB_SO) $(SIM_A)

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	$(call say,CC)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(LIB_A): $(LIB_OBJ)
	$(call say,AR)mkdir -p $(@D) && rm -f $@ && $(ARCHIVE) rcs $@ $(LIB_OBJ)

$(SIM_A): $(SIM_OBJ)
	$(call say,AR)mkdir -p $(@D) && rm -f $@ && $(ARCHIVE) rcs $@ $(SIM_OBJ)

$(BUILD)/libflitch.so: $(LIB_OBJ)
	$(call say,LD)$(CC) -shared $(WHOLE) -Wl,-soname,libflitch.so.$(SOVERSION) $(ALL_LDFLAGS) \
		-o $@ $(LIB_OBJ) $(LIBS)

# Modules leave fl_* undefined: the binary carries the whole library and exports it.
$(BUILD)/flitch: $(CMD_OBJ) $(LIB_A)
	$(call say,LD)$(CC) -pie -rdynamic $(WHOLE) $(ALL_LDFLAGS) -o $@ $(CMD_OBJ) \
		-Wl,--whole-archive $(LIB_A) -Wl,--no-whole-archive $(LIBS)

$(BUILD)/examples/%.so: examples/%.c $(BUILD)/flags
	$(call say,LD)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -MMD -MP -MF $(@:.so=.d) \
		-shared $(PARTS) $(ALL_LDFLAGS) -o $@ $<

# A scenario is a program; sim_x plays with the servers of x.c.
$(BUILD)/examples/sim_%: $(BUILD)/obj/examples/sim_%.o $(BUILD)/obj/examples/%.o $(SIM_A) $(LIB_A)
	$(call say,LD)mkdir -p $(@D) && $(CC) -pie $(PARTS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

.SECONDARY: $(SIM_EXAMPLE_SRC:%.c=$(BUILD)/obj/%.o) $(SIM_EXAMPLE_SRC:examples/sim_%.c=$(BUILD)/obj/examples/%.o)

# Another compiler or other flags rebuild everything.
FLAGS_LINE = $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS)
.PHONY: FORCE
$(BUILD)/flags: FORCE
	@mkdir -p $(@D); line=$(call quote,$(FLAGS_LINE)); \
	if [ "$$(cat $@ 2>/dev/null)" != "$$line" ]; then printf '%s\n' "$$line" >$@; fi
quote = '$(subst ','\'',$(1))'

DEPS := $(LIB_OBJ:.o=.d) $(SIM_OBJ:.o=.d) $(CMD_OBJ:.o=.d) $(EXAMPLE_SO:.so=.d) \
	$(SIM_EXAMPLE_SRC:%.c=$(BUILD)/obj/%.d) \
	$(SIM_EXAMPLE_SRC:examples/sim_%.c=$(BUILD)/obj/examples/%.d)
-include $(DEPS)
