/* SPDX-License-Identifier: Apache-2.0 */
/* What the layers below are told, taken from the options. */

#include <string.h>

#include "cluster/node.h"

fli_limits fli_node_limits(const fl_options *options)
{
	fli_limits limits = fli_limits_default();

	limits.processes_max = (uint32_t)fli_options_int(options, FLI_KEY_LIMITS_PROCESSES);
	limits.mailbox_max = (uint32_t)fli_options_int(options, FLI_KEY_LIMITS_MAILBOX);
	limits.signals_per_peer_max = (uint32_t)fli_options_int(options, FLI_KEY_LIMITS_SIGNALS);
	limits.atoms_max = (uint32_t)fli_options_int(options, FLI_KEY_LIMITS_ATOMS);
	limits.threads_max = (uint32_t)fli_options_int(options, FLI_KEY_LIMITS_THREADS);
	limits.offloads_max = (uint32_t)fli_options_int(options, FLI_KEY_LIMITS_OFFLOADS);
	/* What a peer may send must fit into a mailbox. */
	if (fli_options_int(options, FLI_KEY_LIMITS_FRAME) > limits.message_bytes_max)
		limits.message_bytes_max = (uint32_t)fli_options_int(options, FLI_KEY_LIMITS_FRAME);
	limits.narrow_pids = fli_options_bool(options, FLI_KEY_COMPAT_OTP23);
	return limits;
}

static fli_dist_limits dist_limits(const fl_options *options)
{
	fli_dist_limits limits = fli_dist_limits_default();

	limits.pending_max = (uint32_t)fli_options_int(options, FLI_KEY_DIST_PENDING_MAX);
	limits.pending_per_ip_max = (uint32_t)fli_options_int(options, FLI_KEY_DIST_PENDING_PER_IP);
	limits.out_soft_bytes = (size_t)fli_options_int(options, FLI_KEY_DIST_OUT_SOFT);
	limits.out_hard_bytes = (size_t)fli_options_int(options, FLI_KEY_DIST_OUT_HARD);
	limits.preauth_bytes_max = (size_t)fli_options_int(options, FLI_KEY_DIST_PREAUTH_MAX);
	limits.frame_bytes_max = (size_t)fli_options_int(options, FLI_KEY_LIMITS_FRAME);
	limits.fragments_open_max = (size_t)fli_options_int(options, FLI_KEY_LIMITS_FRAGMENTS);
	limits.fragment_bytes_max = (size_t)fli_options_int(options, FLI_KEY_LIMITS_FRAGMENT_BYTES);
	return limits;
}

static const char *text_or_null(const fl_options *options, fli_key key)
{
	const char *text = fli_options_text(options, key);

	return *text == '\0' ? NULL : text;
}

static void tell_ports(const fl_options *options, fli_dist_config *config)
{
	config->port_min = config->port_max = (uint16_t)fli_options_int(options, FLI_KEY_DIST_PORT);
	if (config->port_min != 0 || fli_options_int(options, FLI_KEY_DIST_PORT_MIN) == 0)
		return;
	config->port_min = (uint16_t)fli_options_int(options, FLI_KEY_DIST_PORT_MIN);
	config->port_max = (uint16_t)fli_options_int(options, FLI_KEY_DIST_PORT_MAX);
}

static fli_dist_epmd epmd_mode(const fl_options *options)
{
	switch (fli_options_int(options, FLI_KEY_DIST_EPMD)) {
	case FLI_EPMD_MODE_ON: return FLI_DIST_EPMD_ON;
	case FLI_EPMD_MODE_OFF: return FLI_DIST_EPMD_OFF;
	case FLI_EPMD_MODE_EMBEDDED: return FLI_DIST_EPMD_EMBEDDED;
	default: return FLI_DIST_EPMD_AUTO;
	}
}

/* Without epmd every node listens on the same port, as with OTP's -erl_epmd_port. */
static uint16_t port_of_peers(const fli_dist_config *config)
{
	return config->epmd == FLI_DIST_EPMD_OFF && config->port_min == config->port_max
		       ? config->port_min
		       : 0;
}

static int tell_known(const fl_options *options, fli_dist_told *told, fl_error *err)
{
	size_t count = fli_options_peers_count(options);
	int rc = FL_OK;

	if (count == 0)
		return FL_OK;
	told->known = fli_zalloc(told->mem, count * sizeof *told->known);
	told->cookies = fli_zalloc(told->mem, count * sizeof *told->cookies);
	if (told->known == NULL || told->cookies == NULL)
		return fl_error_set(err, FL_ENOMEM, "out of memory");
	told->config.known = told->known;
	for (size_t i = 0; i < count && rc == FL_OK; i++) {
		const fli_peer_config *peer = fli_options_peer(options, i);
		fli_dist_known *known = &told->known[i];

		told->config.known_count = i + 1;
		known->name = peer->name;
		known->address = *peer->address == '\0' ? NULL : peer->address;
		rc = fli_cookie_for_peer(options, peer->name, &told->own, &told->cookies[i], err);
		known->cookie = told->cookies[i].text;
		known->cookie_size = told->cookies[i].size;
	}
	return rc;
}

static int tell_allow(const fl_options *options, fli_dist_told *told, fl_error *err)
{
	size_t count = fli_options_count(options, FLI_KEY_DIST_ALLOW);

	if (count == 0)
		return FL_OK;
	told->allow = fli_zalloc(told->mem, count * sizeof *told->allow);
	if (told->allow == NULL)
		return fl_error_set(err, FL_ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++)
		told->allow[i] = fli_options_item(options, FLI_KEY_DIST_ALLOW, i);
	told->config.allow = told->allow;
	told->config.allow_count = count;
	return FL_OK;
}

static void tell_rest(const fl_options *options, fli_dist_config *config)
{
	config->is_visible = fli_options_bool(options, FLI_KEY_NODE_VISIBLE) &&
			     config->name.alive_size > 0; /* as in OTP: no name, no member */
	config->listen_address = fli_options_listen_address(options);
	config->is_v6 = fli_options_is_v6(options);
	tell_ports(options, config);
	config->tick_time_ms = (uint32_t)fli_options_int(options, FLI_KEY_DIST_TICKTIME) * 1000;
	config->tick_intensity = (uint32_t)fli_options_int(options, FLI_KEY_DIST_TICKINTENSITY);
	config->step_ms = (uint32_t)fli_options_int(options, FLI_KEY_DIST_SETUP_TIME);
	config->trusts_names = !fli_options_bool(options, FLI_KEY_TLS_CHECK_CLIENT_NAME);
	config->epmd = epmd_mode(options);
	config->epmd_port = (uint16_t)fli_options_int(options, FLI_KEY_EPMD_PORT);
	config->epmd_program = text_or_null(options, FLI_KEY_EPMD_PROGRAM);
	config->peer_port = port_of_peers(config);
	config->limits = dist_limits(options);
}

int fli_dist_tell(const fl_options *options, fli_dist_told *ret_told, fli_mem *mem, fl_error *err)
{
	int rc;

	memset(ret_told, 0, sizeof *ret_told);
	ret_told->mem = mem;
	rc = fli_options_own_name(options, &ret_told->config.name, err);
	if (rc == FL_OK)
		rc = fli_cookie_find(options, &ret_told->own, err);
	if (rc != FL_OK)
		return rc;
	ret_told->config.cookie = ret_told->own.text;
	ret_told->config.cookie_size = ret_told->own.size;
	tell_rest(options, &ret_told->config);
	rc = tell_known(options, ret_told, err);
	return rc == FL_OK ? tell_allow(options, ret_told, err) : rc;
}

void fli_dist_untell(fli_dist_told *told)
{
	for (size_t i = 0; told->cookies != NULL && i < told->config.known_count; i++)
		fli_cookie_wipe(&told->cookies[i]);
	fli_cookie_wipe(&told->own);
	fli_free(told->mem, told->cookies);
	fli_free(told->mem, told->known);
	fli_free(told->mem, (void *)told->allow);
}
