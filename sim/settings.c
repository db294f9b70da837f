/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/settings.h"

#include <string.h>

#include "cluster/options.h"
#include "sim/store.h"

#define EPMD_PORT 4369

static int set_all(fl_options *options, const char *const *pairs, fl_error *err)
{
	int rc = FL_OK;

	for (size_t i = 0; rc == FL_OK && pairs != NULL && pairs[i] != NULL; i += 2)
		rc = fl_options_set(options, pairs[i], pairs[i + 1], "fl_sim_config", err);
	return rc;
}

int fli_settings_make(
	fli_settings *settings, const char *name, const fl_sim_config *config, fl_error *err)
{
	/* a cookie, so that nobody looks for a file; it is replaced */
	const char *const own[] = {"node.name", name, "node.cookie",
		"of no use outside of a simulated cluster", "dist.listen", "127.0.0.1", NULL};
	int rc;

	settings->told = (fli_dist_told){.mem = fli_store_mem()};
	settings->options = fli_options_new_in(fli_store_mem());
	rc = set_all(settings->options, config->settings, err);
	if (rc == FL_OK)
		rc = set_all(settings->options, own, err);
	return rc == FL_OK ? fli_dist_tell(settings->options, &settings->told, fli_store_mem(), err)
			   : rc;
}

fli_dist_config fli_settings_dist(
	const fli_settings *settings, const fl_sim_config *config, bool has_epmd)
{
	fli_dist_config dist = settings->told.config;

	dist.listen_address = "0.0.0.0";
	dist.port_min = dist.port_max = dist.peer_port = has_epmd ? 0 : FL_SIM_PORT;
	dist.epmd = has_epmd ? FLI_DIST_EPMD_ON : FLI_DIST_EPMD_OFF;
	dist.epmd_port = EPMD_PORT;
	dist.is_visible = !config->is_hidden;
	dist.cookie = config->cookie;
	dist.cookie_size = strlen(config->cookie);
	if (config->tick_time_ms != 0)
		dist.tick_time_ms = config->tick_time_ms;
	if (config->step_ms != 0)
		dist.step_ms = config->step_ms;
	return dist;
}

void fli_settings_free(fli_settings *settings)
{
	if (settings->options == NULL)
		return;
	fli_dist_untell(&settings->told);
	fl_options_delete(settings->options);
	*settings = (fli_settings){.options = NULL};
}
