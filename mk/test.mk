# SPDX-License-Identifier: Apache-2.0
# Unit suites: each tests/unit/test_*.c is a program of its own, linked with the library and all of
# tests/support.

UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
SUPPORT_SRC := $(sort $(wildcard tests/support/*.c))
UNIT_BIN := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/tests/unit/%)
SUPPORT_OBJ := $(SUPPORT_SRC:%.c=$(BUILD)/obj/%.o)
TEST_LIBS = $(shell pkg-config --libs cunit) $(LIBS)

$(BUILD)/tests/unit/%: $(BUILD)/obj/tests/unit/%.o $(SUPPORT_OBJ) $(LIB_A)
	$(call say,LD)mkdir -p $(@D) && $(CC) -pie -rdynamic $(ALL_LDFLAGS) -o $@ $< $(SUPPORT_OBJ) \
		-Wl,--whole-archive $(LIB_A) -Wl,--no-whole-archive $(TEST_LIBS)

.SECONDARY: $(UNIT_SRC:%.c=$(BUILD)/obj/%.o) $(SUPPORT_OBJ)
.PHONY: check unit
unit: $(UNIT_BIN)
check: ## run the unit tests alone
check: unit all
	@tests/run.sh $(UNIT_BIN)

-include $(UNIT_SRC:%.c=$(BUILD)/obj/%.d) $(SUPPORT_OBJ:.o=.d)
