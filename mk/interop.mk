# SPDX-License-Identifier: Apache-2.0
# Servers that the interop suites load into their C nodes.

INTEROP_SRC := $(sort $(wildcard tests/interop/servers/*.c))
INTEROP_SO := $(INTEROP_SRC:tests/interop/servers/%.c=$(BUILD)/tests/servers/%.so)

all: $(INTEROP_SO)

$(BUILD)/tests/servers/%.so: tests/interop/servers/%.c $(BUILD)/flags
	$(call say,LD)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -MMD -MP -MF $(@:.so=.d) \
		-shared $(ALL_LDFLAGS) -o $@ $<

-include $(INTEROP_SO:.so=.d)
