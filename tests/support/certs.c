/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/certs.h"

#include <CUnit/CUnit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY ((int64_t)86400)

enum { TEXTS = 4 * 4 }; /* of the last four configurations */

static const char *path(const certs *set, const char *name, const char *end)
{
	static char texts[TEXTS][160];
	static unsigned next;
	char *text = texts[next++ % TEXTS];

	(void)snprintf(text, sizeof texts[0], "%s/%s%s", set->dir, name, end);
	return text;
}

void certs_open(certs *set)
{
	static const fli_tls_order order = {.subject = "tests' authority",
		.from_s = -DAY,
		.until_s = DAY,
		.is_authority = true};

	(void)snprintf(set->dir, sizeof set->dir, "/tmp/flitch.certs.XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(set->dir));
	CU_ASSERT_EQUAL_FATAL(fli_tls_make(&order, NULL, &set->ca, NULL), FL_OK);
	CU_ASSERT_EQUAL_FATAL(
		fli_tls_save(set->ca, path(set, "ca", ".pem"), path(set, "ca", ".key"), NULL),
		FL_OK);
}

void certs_close(certs *set)
{
	char command[128];

	fli_tls_pair_delete(set->ca);
	(void)snprintf(command, sizeof command, "rm -rf %s", set->dir);
	if (system(command) != 0)
		(void)fprintf(stderr, "%s is left behind\n", set->dir);
}

void certs_add(const certs *set, const char *name, const fli_tls_order *order, bool is_own)
{
	fli_tls_pair *pair = NULL;

	CU_ASSERT_EQUAL_FATAL(fli_tls_make(order, is_own ? NULL : set->ca, &pair, NULL), FL_OK);
	CU_ASSERT_EQUAL_FATAL(
		fli_tls_save(pair, path(set, name, ".pem"), path(set, name, ".key"), NULL), FL_OK);
	fli_tls_pair_delete(pair);
}

void certs_good(const certs *set, const char *name, const char *const *names)
{
	const fli_tls_order order = {.subject = name,
		.names = names,
		.from_s = -DAY,
		.until_s = DAY,
		.for_server = true,
		.for_client = true};

	certs_add(set, name, &order, false);
}

void certs_revoke(const certs *set, const char *name)
{
	fli_tls_pair *pair = NULL;

	if (name != NULL)
		CU_ASSERT_EQUAL_FATAL(
			fli_tls_read(path(set, name, ".pem"), path(set, name, ".key"), &pair, NULL),
			FL_OK);
	CU_ASSERT_EQUAL_FATAL(
		fli_tls_revoke(set->ca, pair, path(set, "revoked", ".crl"), NULL), FL_OK);
	fli_tls_pair_delete(pair);
}

fli_tls_config certs_config(const certs *set, const char *name)
{
	return (fli_tls_config){.cert_file = path(set, name, ".pem"),
		.key_file = path(set, name, ".key"),
		.ca_file = path(set, "ca", ".pem")};
}
