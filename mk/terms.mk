# SPDX-License-Identifier: Apache-2.0
# termtool, the port program of tests/interop/terms. It is linked statically, so that it runs inside
# the tree of any release; libei is taken by path, because a package of that name is something else.

EI_DIR = $(shell erl -noinput -boot start_clean -eval \
	'io:put_chars(code:lib_dir(erl_interface)), halt().' 2>/dev/null)
TERMTOOL_SRC := $(sort $(wildcard tests/interop/terms/*.c))
TERMTOOL_OBJ := $(TERMTOOL_SRC:%.c=$(BUILD)/obj/%.o)
# The term layer alone: the oracle then runs while another part of the tree is unfinished.
TERM_OBJ := $(filter $(BUILD)/obj/node/base/%.o $(BUILD)/obj/node/term/%.o,$(LIB_OBJ))
TERMTOOL := $(BUILD)/tests/termtool

$(BUILD)/obj/tests/interop/terms/%.o: tests/interop/terms/%.c $(BUILD)/flags
	$(call say,CC)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -isystem $(EI_DIR)/include -MMD -MP \
		-c -o $@ $<

$(TERMTOOL): $(TERMTOOL_OBJ) $(TERM_OBJ)
	$(call say,LD)mkdir -p $(@D) && $(CC) -static -pthread $(LDFLAGS) -o $@ $(TERMTOOL_OBJ) \
		$(TERM_OBJ) $(EI_DIR)/lib/libei.a

.PHONY: termtool
termtool: $(TERMTOOL)

# The suite of the bridge to erl_interface.
$(BUILD)/obj/tests/unit/test_ei.o: tests/unit/test_ei.c $(BUILD)/flags
	$(call say,CC)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -isystem $(EI_DIR)/include -MMD -MP \
		-c -o $@ $<
$(BUILD)/tests/unit/test_ei: LDLIBS += $(EI_DIR)/lib/libei.a

-include $(TERMTOOL_OBJ:.o=.d)

# A program of erl_interface alone, for t_global.
EI_NAMED := $(BUILD)/tests/ei_named
$(EI_NAMED): tests/interop/ei/ei_named.c
	$(call say,CC)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -isystem $(EI_DIR)/include -pthread \
		$(LDFLAGS) -o $@ $< $(EI_DIR)/lib/libei.a

.PHONY: ei_named
ei_named: $(EI_NAMED)
