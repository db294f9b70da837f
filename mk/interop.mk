# SPDX-License-Identifier: Apache-2.0
# Servers that the interop suites load into their C nodes.

INTEROP_SRC := $(sort $(wildcard tests/interop/servers/*.c))
INTEROP_SO := $(INTEROP_SRC:tests/interop/servers/%.c=$(BUILD)/tests/servers/%.so)

all: $(INTEROP_SO)

$(BUILD)/tests/servers/%.so: tests/interop/servers/%.c $(BUILD)/flags
	$(call say,LD)mkdir -p $(@D) && $(CC) $(ALL_CFLAGS) -MMD -MP -MF $(@:.so=.d) \
		-shared $(ALL_LDFLAGS) -o $@ $<

-include $(INTEROP_SO:.so=.d)

# Certificates for t_tls.
MAKE_CERTS := $(BUILD)/tests/make_certs
$(MAKE_CERTS): $(BUILD)/obj/tests/interop/certs/make_certs.o $(LIB_A)
	$(call say,LD)mkdir -p $(@D) && $(CC) -pie $(PARTS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
.PHONY: make_certs
make_certs: $(MAKE_CERTS)
-include $(BUILD)/obj/tests/interop/certs/make_certs.d
