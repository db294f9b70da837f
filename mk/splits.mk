# SPDX-License-Identifier: Apache-2.0
# Clusters of OTP and C nodes in network namespaces, split by packet loss.

.PHONY: splits
splits: ## split clusters of real nodes by packet loss; SUITES="s_links ..."
	@scripts/deps.sh test
	@$(again) -j$(JOBS) all
	@tests/splits/run.sh $(SUITES)

.PHONY: apps
apps: ## RabbitMQ and ejabberd with C nodes connected; APPS="a_rabbitmq ..."
	@scripts/deps.sh test
	@$(again) -j$(JOBS) all
	@tests/apps/run.sh $(APPS)
