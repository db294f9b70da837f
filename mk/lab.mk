# SPDX-License-Identifier: Apache-2.0
# The lab of docker/: what it needs beside the binary and the examples.

LAB_DELAY := $(BUILD)/docker/flitch-delay

all: $(LAB_DELAY)
$(LAB_DELAY): $(BUILD)/obj/docker/delay.o
	$(call say,LD)mkdir -p $(@D) && $(CC) -pie $(PARTS) $(ALL_LDFLAGS) -o $@ $<
-include $(BUILD)/obj/docker/delay.d

.PHONY: lab lab-parts
lab-parts: $(BINARY) $(EXAMPLE_SO) $(LAB_DELAY)
lab: ## images, a cluster, a split and its end, in containers or network namespaces
	@scripts/deps.sh test
	@$(again) -j$(JOBS) all
	@docker/check.sh
