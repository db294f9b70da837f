# SPDX-License-Identifier: Apache-2.0
# Clusters of OTP and C nodes in network namespaces, split by packet loss.

.PHONY: splits
splits: ## split clusters of real nodes by packet loss; SUITES="s_links ..."
	@scripts/deps.sh test
	@$(again) -j$(JOBS) all $(FLOOD) make_certs
	@tests/splits/run.sh $(SUITES)

.PHONY: flood
flood: ## 2,000 hostile connections a second for 30 s, beside real nodes that call
	@$(again) splits SUITES=s_flood

FLOOD := $(BUILD)/tests/flood
$(FLOOD): $(BUILD)/obj/tests/splits/flood.o
	$(call say,LD)mkdir -p $(@D) && $(CC) -pie $(PARTS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
-include $(BUILD)/obj/tests/splits/flood.d

.PHONY: apps
apps: ## RabbitMQ and ejabberd with C nodes connected; APPS="a_rabbitmq ..."
	@scripts/deps.sh test
	@$(again) -j$(JOBS) all
	@tests/apps/run.sh $(APPS)
