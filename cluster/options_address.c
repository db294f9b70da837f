/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the node listens, and which kind of addresses its cluster speaks by.
 *
 * BEAM nodes use IPv4 unless they run with `-proto_dist inet6_tcp`, and then IPv6 alone; a node
 * here is found by both as long as it listens where its name leads to.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "cluster/options.h"
#include "cluster/tls_options.h"

bool fli_options_has_listener(const fl_options *options)
{
	return strcmp(fli_options_text(options, FLI_KEY_DIST_LISTEN), "none") != 0;
}

const char *fli_options_listen_address(const fl_options *options)
{
	const char *text = fli_options_text(options, FLI_KEY_DIST_LISTEN);

	if (!fli_options_has_listener(options))
		return NULL;
	return strcmp(text, "localhost") == 0 ? "127.0.0.1" : text;
}

bool fli_options_is_loopback(const fl_options *options)
{
	const char *text = fli_options_text(options, FLI_KEY_DIST_LISTEN);
	struct in6_addr six;
	struct in_addr four;

	if (!fli_options_has_listener(options) || strcmp(text, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, text, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, text, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static bool is_v6(const char *text)
{
	struct in6_addr six;

	return inet_pton(AF_INET6, text, &six) == 1;
}

static bool is_v4(const char *text)
{
	struct in_addr four;

	return inet_pton(AF_INET, text, &four) == 1;
}

/* The host of the node's name; "" where there is none yet. */
static const char *host_of(const fl_options *options)
{
	const char *at = strchr(fli_options_text(options, FLI_KEY_NODE_NAME), '@');

	return at == NULL ? "" : at + 1;
}

fli_family fli_options_family(const fl_options *options)
{
	switch (fli_options_int(options, FLI_KEY_DIST_FAMILY)) {
	case FLI_FAMILY_INET: return FLI_INET_ONLY;
	case FLI_FAMILY_INET6: return FLI_INET6_ONLY;
	default: return fli_options_is_v6(options) ? FLI_INET6_FIRST : FLI_INET_FIRST;
	}
}

bool fli_options_is_v6(const fl_options *options)
{
	int64_t family = fli_options_int(options, FLI_KEY_DIST_FAMILY);

	if (family != FLI_FAMILY_AUTO)
		return family == FLI_FAMILY_INET6;
	return is_v6(fli_options_text(options, FLI_KEY_DIST_LISTEN)) || is_v6(host_of(options));
}

/* Others dial the address that stands in the name. */
static int check_host(const fl_options *options, fl_error *err)
{
	const char *listen = fli_options_listen_address(options), *host = host_of(options);
	bool listens_v6 = listen != NULL && is_v6(listen);

	if (listen == NULL || strcmp(listen, "::") == 0 || (!is_v6(host) && !is_v4(host)) ||
		is_v6(host) == listens_v6)
		return FL_OK;
	fl_error_set(err, FL_ECONFIG, "%s: nobody finds %s where dist.listen = %s",
		fli_options_origin(options, FLI_KEY_DIST_LISTEN),
		fli_options_text(options, FLI_KEY_NODE_NAME), listen);
	fl_error_why(err, "others dial the address in the name, which is of %s, and not of %s",
		listens_v6 ? "IPv4" : "IPv6", listens_v6 ? "IPv6" : "IPv4");
	fl_error_next(err, "listen where the name leads to, as by --listen %s",
		listens_v6 ? "127.0.0.1" : "::1");
	return FL_ECONFIG;
}

int fli_options_check_address(const fl_options *options, fl_error *err)
{
	const char *text = fli_options_text(options, FLI_KEY_DIST_LISTEN);
	unsigned char address[sizeof(struct in6_addr)];

	if (fli_options_has_listener(options) && strcmp(text, "localhost") != 0 &&
		inet_pton(AF_INET, text, address) != 1 && inet_pton(AF_INET6, text, address) != 1) {
		fl_error_set(err, FL_ECONFIG, "%s: dist.listen takes an address, not \"%s\"",
			fli_options_origin(options, FLI_KEY_DIST_LISTEN), text);
		fl_error_why(err, "host names are not looked up here, `localhost` aside");
		fl_error_next(err, "use 127.0.0.1, 0.0.0.0, :: or an address of this machine");
		return FL_ECONFIG;
	}
	if (check_host(options, err) != FL_OK)
		return FL_ECONFIG;
	if (fli_options_is_loopback(options) || fli_tls_is_on(options) ||
		fli_options_bool(options, FLI_KEY_DIST_INSECURE_LISTEN))
		return FL_OK;
	fl_error_set(err, FL_ECONFIG,
		"%s: dist.listen = %s is off loopback and the traffic is not encrypted",
		fli_options_origin(options, FLI_KEY_DIST_LISTEN), text);
	fl_error_why(err,
		"whoever reads the network sees every message, and the cookie is all that keeps others out");
	fl_error_next(err, "listen on 127.0.0.1, set tls.cert, tls.key and tls.ca, or say --set "
			   "dist.insecure_listen=true in a network that you trust");
	return FL_ECONFIG;
}
