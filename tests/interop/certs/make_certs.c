/* SPDX-License-Identifier: Apache-2.0 */
/* make_certs DIR: the certificates of t_tls, good ones and each kind of bad one. */

#include <stdio.h>
#include <stdlib.h>

#include "dist/tls_make.h"

#define DAY ((int64_t)86400)

static const char *dir;

static const char *path(const char *name, const char *end)
{
	static char texts[4][512];
	static unsigned next;
	char *text = texts[next++ % 4];

	(void)snprintf(text, sizeof texts[0], "%s/%s%s", dir, name, end);
	return text;
}

static void must(int rc, const fl_error *err)
{
	if (rc == FL_OK)
		return;
	(void)fprintf(stderr, "make_certs: %s\n", err->what);
	exit(1);
}

static void make(const char *name, const fli_tls_order *order, const fli_tls_pair *ca,
	fli_tls_pair **ret_pair)
{
	fl_error err = {0};

	must(fli_tls_make(order, ca, ret_pair, &err), &err);
	must(fli_tls_save(*ret_pair, path(name, ".pem"), path(name, ".key"), &err), &err);
}

static void make_node(const char *name, const fli_tls_order *order, const fli_tls_pair *ca)
{
	fli_tls_pair *pair;

	make(name, order, ca, &pair);
	fli_tls_pair_delete(pair);
}

int main(int argc, char **argv)
{
	static const char *const here[] = {"localhost", "127.0.0.1", "::1", NULL};
	static const char *const elsewhere[] = {"other.example", NULL};
	const fli_tls_order authority = {.subject = "authority of the tests",
		.from_s = -DAY,
		.until_s = DAY,
		.is_authority = true};
	const fli_tls_order good = {.subject = "node",
		.names = here,
		.from_s = -2 * DAY,
		.until_s = DAY,
		.for_server = true,
		.for_client = true};
	fli_tls_order odd = good;
	fli_tls_pair *ca, *revoked;
	fl_error err = {0};

	if (argc != 2)
		return 64;
	dir = argv[1];
	make("ca", &authority, NULL, &ca);
	make_node("good", &good, ca);
	make_node("next", &good, ca);
	make_node("own", &good, NULL);
	odd.until_s = -DAY;
	make_node("expired", &odd, ca);
	odd = good;
	odd.names = elsewhere;
	make_node("other", &odd, ca);
	odd = good;
	odd.for_client = false;
	make_node("server", &odd, ca);
	odd = good;
	odd.for_server = false;
	make_node("client", &odd, ca);
	make("revoked", &good, ca, &revoked);
	must(fli_tls_revoke(ca, revoked, path("revoked", ".crl"), &err), &err);
	fli_tls_pair_delete(revoked);
	fli_tls_pair_delete(ca);
	return 0;
}
