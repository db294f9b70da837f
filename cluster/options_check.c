/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What no single key can know: the node's own full name, and values that do not fit together.
 *
 * A short name takes this machine's host name up to the first dot; a long one needs the full name,
 * and where the machine has none the person is asked for it, as erl does. Nothing is looked up by
 * DNS for it: a name that changes with the resolver's mood is none.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cluster/access_options.h"
#include "cluster/options.h"
#include "cluster/partition_options.h"
#include "cluster/sandbox.h"
#include "cluster/tls_options.h"

#define HOST_MAX 254

/* ---- the own name ---------------------------------------------------------------------------- */

static int machine_host(char *ret_host, size_t size, fl_error *err)
{
	if (gethostname(ret_host, size) != 0 || ret_host[0] == '\0') {
		fl_error_set(err, FL_ECONFIG, "this machine has no host name");
		fl_error_why(err, "a name without @ takes the machine's own");
		fl_error_next(err, "give the whole name: --name alive@127.0.0.1");
		return FL_ECONFIG;
	}
	ret_host[size - 1] = '\0';
	return FL_OK;
}

static int own_host(const char *alive, int64_t type, char *ret_host, size_t size, fl_error *err)
{
	if (machine_host(ret_host, size, err) != FL_OK)
		return FL_ECONFIG;
	if (type != FLI_NAME_TYPE_LONG) {
		ret_host[strcspn(ret_host, ".")] = '\0';
		return FL_OK;
	}
	if (strchr(ret_host, '.') != NULL)
		return FL_OK;
	fl_error_set(err, FL_ECONFIG,
		"no full host name for the long name \"%s\": this machine calls itself \"%s\"",
		alive, ret_host);
	fl_error_why(err, "a long name needs a host with a dot, or an address");
	fl_error_next(err, "give the whole name (--name %s@127.0.0.1) or a short one (--sname %s)",
		alive, alive);
	return FL_ECONFIG;
}

static int check_form(const fl_options *options, const fli_node_name *name, fl_error *err)
{
	int64_t type = fli_options_int(options, FLI_KEY_NODE_NAME_TYPE);

	if (type == FLI_NAME_TYPE_AUTO)
		return FL_OK;
	if (fli_node_name_check_form(name,
		    type == FLI_NAME_TYPE_LONG ? FLI_NAME_LONG : FLI_NAME_SHORT, err) == FL_OK)
		return FL_OK;
	return FL_ECONFIG;
}

static int refuse_host(const char *text, fl_error *err)
{
	fl_error_set(err, FL_ECONFIG, "\"%s\" is no host name", text);
	fl_error_why(err, "it has a character that no host name has, or is too long");
	fl_error_next(err, "write letters, digits, dots and hyphens, or an address");
	return FL_ECONFIG;
}

/* A node that asks for its name shows its host alone. */
static int bare_host(const char *text, fli_node_name *ret_name, fl_error *err)
{
	char host[HOST_MAX + 1];

	if (*text == '\0') {
		if (machine_host(host, sizeof host, err) != FL_OK)
			return FL_ECONFIG;
		host[strcspn(host, ".")] = '\0';
		text = host;
	}
	if (fli_node_name_inspect_host(text, strlen(text), ret_name) != FLI_NAME_OK)
		return refuse_host(text, err);
	return FL_OK;
}

int fli_options_own_name(const fl_options *options, fli_node_name *ret_name, fl_error *err)
{
	const char *text = fli_options_text(options, FLI_KEY_NODE_NAME);
	fli_node_name name;
	char host[HOST_MAX + 1];
	int rc;

	if (!fli_options_has_listener(options) && strchr(text, '@') == NULL)
		return bare_host(text, ret_name, err);
	if (*text == '\0') {
		fl_error_set(err, FL_ECONFIG, "the node has no name");
		fl_error_why(
			err, "neither a flag nor RELEASE_NODE, FLITCH_NODE_NAME or a file has one");
		fl_error_next(err, "give one with --sname calc or --name calc@127.0.0.1");
		return FL_ECONFIG;
	}
	if (strchr(text, '@') != NULL) {
		rc = fli_node_name_parse(&name, text, strlen(text), err);
	} else {
		rc = own_host(text, fli_options_int(options, FLI_KEY_NODE_NAME_TYPE), host,
			sizeof host, err);
		if (rc == FL_OK)
			rc = fli_node_name_join(&name, text, host, err);
	}
	if (rc != FL_OK || check_form(options, &name, err) != FL_OK)
		return FL_ECONFIG;
	*ret_name = name;
	return FL_OK;
}

/* ---- what belongs together ------------------------------------------------------------------- */

static int check_ports(const fl_options *options, fl_error *err)
{
	int64_t least = fli_options_int(options, FLI_KEY_DIST_PORT_MIN);
	int64_t most = fli_options_int(options, FLI_KEY_DIST_PORT_MAX);

	if ((least == 0) == (most == 0) && least <= most)
		return FL_OK;
	fl_error_set(err, FL_ECONFIG, "dist.port_min = %lld and dist.port_max = %lld are no range",
		(long long)least, (long long)most);
	fl_error_why(err, "one of them is missing, or they are the wrong way round");
	fl_error_next(err, "set both, the smaller as dist.port_min, or dist.port alone");
	return FL_ECONFIG;
}

static int check_marks(const fl_options *options, fl_error *err)
{
	long long soft = fli_options_int(options, FLI_KEY_DIST_OUT_SOFT);
	long long hard = fli_options_int(options, FLI_KEY_DIST_OUT_HARD);

	if (soft < hard)
		return FL_OK;
	fl_error_set(err, FL_ECONFIG, "dist.out_soft = %lld is not below dist.out_hard = %lld",
		soft, hard);
	fl_error_why(err, "senders wait from the first on, a peer is dropped at the second");
	fl_error_next(err, "raise dist.out_hard, or lower dist.out_soft");
	return FL_ECONFIG;
}

/* Without epmd nobody finds a port that the system chose. */
static int check_epmd(const fl_options *options, fl_error *err)
{
	if (fli_options_int(options, FLI_KEY_DIST_EPMD) != FLI_EPMD_MODE_OFF ||
		!fli_options_has_listener(options) ||
		fli_options_int(options, FLI_KEY_DIST_PORT) != 0)
		return FL_OK;
	fl_error_set(err, FL_ECONFIG, "dist.epmd = off needs a fixed port");
	fl_error_why(err, "without epmd no other node can find a port that the system chose");
	fl_error_next(err, "add --port 9100, and name it in the peers' own configuration");
	return FL_ECONFIG;
}

/* Only where there is a policy: a node of none need not have a name yet. */
static int check_partition(const fl_options *options, fl_error *err)
{
	fli_node_name name;
	int rc = fli_partition_check(options, err);

	if (rc != FL_OK || !fli_partition_is_on(options))
		return rc;
	rc = fli_options_own_name(options, &name, err);
	return rc == FL_OK ? fli_partition_check_own(options, &name, err) : rc;
}

int fli_options_check(const fl_options *options, fl_error *err)
{
	int (*const checks[])(const fl_options *, fl_error *) = {fli_tls_check_options,
		fli_options_check_address, fli_access_check_options, fli_sandbox_check_options,
		check_ports, check_marks, check_epmd, check_partition};
	int rc = FL_OK;

	for (size_t i = 0; rc == FL_OK && i < sizeof checks / sizeof *checks; i++)
		rc = checks[i](options, err);
	return rc;
}
