/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dry run of what the other side does with this node's certificate: the chain up to an authority
 * that it believes (taken to be the same as ours), the time, the usage in both roles, the name.
 */
#include "dist/tls_check.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "dist/tls_state.h"

/* A certificate that ends within this many days is worth a word. */
enum { SOON_DAYS = 14 };

typedef struct checkup {
	fli_buf *report;
	X509 *cert;
	unsigned failures;
} checkup;

static void line(checkup *c, bool is_good, const char *what, const char *text, const char *next)
{
	fli_buf_printf(c->report, "%-4s  %-12s %s%s%s\n", is_good ? "ok" : "FAIL", what, text,
		is_good ? "" : ": ", is_good ? "" : next);
	c->failures += !is_good;
}

static void look_at_time(checkup *c)
{
	const ASN1_TIME *from = X509_get0_notBefore(c->cert), *until = X509_get0_notAfter(c->cert);
	int days = 0, seconds = 0;
	char text[96];

	if (X509_cmp_current_time(from) > 0) {
		line(c, false, "time", "not valid yet", "see the clock of this machine");
		return;
	}
	if (X509_cmp_current_time(until) < 0) {
		line(c, false, "time", "has expired", "renew it");
		return;
	}
	(void)ASN1_TIME_diff(&days, &seconds, NULL, until);
	(void)snprintf(text, sizeof text, "valid for %d days%s", days,
		days < SOON_DAYS ? ": renew it soon" : "");
	line(c, true, "time", text, "");
}

static void look_at_usage(checkup *c)
{
	bool server = X509_check_purpose(c->cert, X509_PURPOSE_SSL_SERVER, 0) == 1;
	bool client = X509_check_purpose(c->cert, X509_PURPOSE_SSL_CLIENT, 0) == 1;

	line(c, server && client, "usage",
		server && client ? "for servers and clients"
		: server         ? "not for clients"
		: client         ? "not for servers"
				 : "neither for servers nor for clients",
		fli_tls_verify_next(X509_V_ERR_INVALID_PURPOSE));
}

static void look_at_chain(checkup *c, SSL_CTX *context)
{
	X509_STORE_CTX *store = X509_STORE_CTX_new();
	STACK_OF(X509) *chain = NULL;
	int code = X509_V_ERR_OUT_OF_MEM;

	(void)SSL_CTX_get0_chain_certs(context, &chain);
	if (store != NULL &&
		X509_STORE_CTX_init(store, SSL_CTX_get_cert_store(context), c->cert, chain) == 1) {
		code = X509_verify_cert(store) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(store);
	}
	X509_STORE_CTX_free(store);
	line(c, code == X509_V_OK, "authority",
		code == X509_V_OK ? "signed by one of tls.ca" : X509_verify_cert_error_string(code),
		fli_tls_verify_next(code));
}

static void look_at_name(checkup *c, const char *node)
{
	bool is_good = fli_tls_cert_names(c->cert, node);
	char text[300];

	(void)snprintf(text, sizeof text, is_good ? "is one for %s" : "is not for %s", node);
	line(c, is_good, "name", text, fli_tls_verify_next(X509_V_ERR_HOSTNAME_MISMATCH));
}

int fli_tls_check(const fli_tls_config *config, const char *node, fli_buf *report, fl_error *err)
{
	SSL_CTX *context;
	checkup c = {.report = report};
	char text[300];
	int rc = fli_tls_context_new(config, &context, err);

	if (rc != FL_OK)
		return rc;
	c.cert = SSL_CTX_get0_certificate(context);
	fli_tls_cert_text(c.cert, text, sizeof text);
	line(&c, true, "certificate", text, "");
	look_at_time(&c);
	look_at_usage(&c);
	look_at_chain(&c, context);
	if (node != NULL)
		look_at_name(&c, node);
	SSL_CTX_free(context);
	ERR_clear_error();
	if (c.failures == 0)
		return FL_OK;
	fl_error_set(err, FL_ECONFIG, "other nodes will refuse this certificate");
	fl_error_next(err, "see the lines above");
	return FL_ECONFIG;
}
