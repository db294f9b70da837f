/* SPDX-License-Identifier: Apache-2.0 */
/* TLS with those who mean no good: what OpenSSL by itself would take, and work without end. */

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dist/tls_state.h"
#include "tests/support/sessions.h"
#include "tests/support/suite.h"

#define DAY ((int64_t)86400)

static certs set;
static const char *const host_c2[] = {"c2.lan", NULL};

static void remove_set(void)
{
	certs_close(&set);
}

/* Before the first use, so that a test can run alone. */
static void make_set(void)
{
	static const char *const host_c1[] = {"c1.lan", NULL};

	if (set.ca != NULL)
		return;
	certs_open(&set);
	(void)atexit(remove_set);
	certs_good(&set, "c1", host_c1);
	certs_good(&set, "c2", host_c2);
}

static fli_tls *context(const char *name, void (*change)(fli_tls_config *config))
{
	make_set();
	return pair_context(&set, name, change);
}

/* ---- who is believed ------------------------------------------------------------------------- */

/* NAME.pem: signed by UNDER, which comes behind it. */
static void add_below(const fli_tls_pair *under, const char *name)
{
	const fli_tls_order order = {.subject = name,
		.names = host_c2,
		.from_s = -DAY,
		.until_s = DAY,
		.for_server = true,
		.for_client = true};
	char cert[128], key[128], above[128], command[400];
	fli_tls_pair *made = NULL;

	(void)snprintf(cert, sizeof cert, "%s/%s.pem", set.dir, name);
	(void)snprintf(key, sizeof key, "%s/%s.key", set.dir, name);
	(void)snprintf(above, sizeof above, "%s/above.pem", set.dir);
	CU_ASSERT_EQUAL_FATAL(fli_tls_make(&order, under, &made, NULL), FL_OK);
	CU_ASSERT_EQUAL(fli_tls_save(made, cert, key, NULL), FL_OK);
	CU_ASSERT_EQUAL(fli_tls_save(under, above, NULL, NULL), FL_OK);
	(void)snprintf(command, sizeof command, "cat %s >>%s", above, cert);
	CU_ASSERT_EQUAL(system(command), 0);
	fli_tls_pair_delete(made);
}

static char lists[128];

static void with_lists(fli_tls_config *config)
{
	config->crl_file = lists;
}

/* What both authorities took back: `revoked` of the upper one, nobody of the lower one. */
static void write_lists(const fli_tls_pair *lower, const fli_tls_pair *revoked)
{
	char upper_file[128], lower_file[128], command[400];

	(void)snprintf(lists, sizeof lists, "%s/lists.crl", set.dir);
	(void)snprintf(upper_file, sizeof upper_file, "%s/upper.crl", set.dir);
	(void)snprintf(lower_file, sizeof lower_file, "%s/lower.crl", set.dir);
	CU_ASSERT_EQUAL(fli_tls_revoke(set.ca, revoked, upper_file, NULL), FL_OK);
	CU_ASSERT_EQUAL(fli_tls_revoke(lower, NULL, lower_file, NULL), FL_OK);
	(void)snprintf(command, sizeof command, "cat %s %s >%s", upper_file, lower_file, lists);
	CU_ASSERT_EQUAL(system(command), 0);
}

static void certificate_of_a_revoked_authority_is_refused(void)
{
	static const fli_tls_order order = {.subject = "an authority below",
		.from_s = -DAY,
		.until_s = DAY,
		.is_authority = true};
	fli_tls_pair *lower = NULL;
	pair p;

	make_set();
	CU_ASSERT_EQUAL_FATAL(fli_tls_make(&order, set.ca, &lower, NULL), FL_OK);
	add_below(lower, "below");
	write_lists(lower, NULL);
	pair_begin(&p, context("below", NULL), context("c1", with_lists), "x@c1.lan");
	pair_shake(&p, 4096);
	CU_ASSERT_TRUE(pair_is_open(&p));
	pair_end(&p);
	write_lists(lower, lower);
	pair_begin(&p, context("below", NULL), context("c1", with_lists), "x@c1.lan");
	pair_shake(&p, 4096);
	CU_ASSERT_EQUAL(fli_tls_session_state(p.acceptor), FLI_TLS_FAILED);
	CU_ASSERT_TRUE(pair_says(p.acceptor, "certificate revoked"));
	pair_end(&p);
	fli_tls_pair_delete(lower);
}

static void with_any_cipher(fli_tls_config *config)
{
	config->ciphers = "ALL:aNULL:eNULL:@SECLEVEL=0";
}

/* Ciphers without certificates are none, whatever the list says. */
static void anonymous_server_is_refused(void)
{
	fli_tls *bare = context("c2", NULL);
	pair p;

	SSL_CTX_free(bare->context);
	bare->context = SSL_CTX_new(TLS_method());
	CU_ASSERT_EQUAL(SSL_CTX_set_max_proto_version(bare->context, TLS1_2_VERSION), 1);
	CU_ASSERT_EQUAL(SSL_CTX_set_cipher_list(bare->context, "AECDH:@SECLEVEL=0"), 1);
	pair_begin(&p, context("c2", with_any_cipher), bare, "x@c1.lan");
	pair_shake(&p, 4096);
	CU_ASSERT_EQUAL(fli_tls_session_state(p.dialler), FLI_TLS_FAILED);
	CU_ASSERT_TRUE(pair_says(p.acceptor, "no common cipher"));
	pair_end(&p);
}

/* An authority that signs whatever it is given may have signed that. */
static void name_with_nul_is_no_shorter_one(void)
{
	static const char name[] = "c1.lan\0.evil.lan\233";
	X509 *cert = X509_new();
	GENERAL_NAMES *all = GENERAL_NAMES_new();
	GENERAL_NAME *one = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();
	char told[200];

	CU_ASSERT_EQUAL(ASN1_STRING_set(text, name, sizeof name - 1), 1);
	GENERAL_NAME_set0_value(one, GEN_DNS, text);
	CU_ASSERT_TRUE(sk_GENERAL_NAME_push(all, one) > 0);
	CU_ASSERT_EQUAL(X509_add1_ext_i2d(cert, NID_subject_alt_name, all, 0, 0), 1);
	CU_ASSERT_FALSE(fli_tls_cert_names(cert, "x@c1.lan"));
	fli_tls_cert_text(cert, told, sizeof told);
	CU_ASSERT_STRING_EQUAL(told, "CN=, for c1.lan?.evil.lan?");
	GENERAL_NAMES_free(all);
	X509_free(cert);
}

/* ---- bytes of anybody ------------------------------------------------------------------------ */

static void what_is_no_tls_is_said_so(void)
{
	static const uint8_t plain[] = "\0\22N\0\0\0\15\7\337\177\275\1\2\3\4\0\1a";
	uint8_t none[8];
	pair p;

	pair_begin(&p, context("c2", NULL), context("c1", NULL), "x@c1.lan");
	fli_tls_session_feed(p.acceptor, plain, sizeof plain - 1);
	CU_ASSERT_EQUAL(fli_tls_session_read(p.acceptor, none, sizeof none), 0);
	CU_ASSERT_EQUAL(fli_tls_session_state(p.acceptor), FLI_TLS_FAILED);
	CU_ASSERT_TRUE(pair_says(p.acceptor, "what came is no TLS"));
	pair_end(&p);
}

/* A record of the dialler's that is changed in one byte opens nothing and breaks nothing else. */
static void changed_byte_never_opens_a_session(void)
{
	uint8_t none[64], *data;
	fli_buf *out;
	pair p;

	for (size_t at = 0;; at++) {
		if (at == 1)
			at = 3; /* the version of a record means nothing (RFC 8446, 5.1) */
		pair_begin(&p, context("c2", NULL), context("c1", NULL), "x@c1.lan");
		out = fli_tls_session_out(p.dialler);
		if (at >= out->size) {
			pair_end(&p);
			break;
		}
		data = out->data;
		data[at] ^= 0x55;
		pair_shake(&p, 4096);
		CU_ASSERT_FALSE(pair_is_open(&p));
		CU_ASSERT_EQUAL(fli_tls_session_write(p.acceptor, none, sizeof none), 0);
		pair_end(&p);
	}
}

static void begin_12(pair *p)
{
	pair_begin_12(p, context("c2", NULL), context("c1", NULL), "x@c1.lan");
	pair_shake(p, 4096);
	CU_ASSERT_TRUE(pair_is_open(p));
}

static void negotiating_again_without_need_is_refused(void)
{
	uint8_t none[64];
	pair p;

	begin_12(&p);
	for (int i = 0; i < 4 && pair_is_open(&p); i++) {
		(void)SSL_renegotiate(p.dialler->ssl);
		(void)SSL_do_handshake(p.dialler->ssl);
		for (int k = 0; k < 4; k++) {
			(void)pair_carry(p.dialler, p.acceptor, 4096, none, sizeof none);
			(void)pair_carry(p.acceptor, p.dialler, 4096, none, sizeof none);
		}
	}
	CU_ASSERT_EQUAL(fli_tls_session_state(p.acceptor), FLI_TLS_FAILED);
	CU_ASSERT_TRUE(pair_says(p.acceptor, "negotiates TLS again"));
	pair_end(&p);
}

/* TLS 1.3: each request for new keys is answered, so it costs us more than who asks. */
static size_t ask_for_keys(pair *p, size_t count, size_t plain_each)
{
	static uint8_t plain[16 << 10], got[sizeof plain];
	size_t asked = 0;

	for (; asked < count && pair_is_open(p); asked++) {
		for (size_t sent = 0; sent < plain_each; sent += sizeof plain) {
			(void)fli_tls_session_write(p->dialler, plain, sizeof plain);
			(void)pair_carry(p->dialler, p->acceptor, 4096, got, sizeof got);
		}
		CU_ASSERT_EQUAL(SSL_key_update(p->dialler->ssl, SSL_KEY_UPDATE_REQUESTED), 1);
		(void)SSL_do_handshake(p->dialler->ssl);
		(void)pair_carry(p->dialler, p->acceptor, 4096, got, sizeof got);
		fli_buf_clear(fli_tls_session_out(p->acceptor), 0); /* nobody reads the answer */
	}
	return asked;
}

static void new_keys_without_need_are_refused(void)
{
	pair p;

	pair_begin(&p, context("c2", NULL), context("c1", NULL), "x@c1.lan");
	pair_shake(&p, 4096);
	CU_ASSERT_EQUAL(ask_for_keys(&p, 100, 48 << 10), FLI_TLS_REKEYS_MAX + 1);
	CU_ASSERT_EQUAL(fli_tls_session_state(p.acceptor), FLI_TLS_FAILED);
	CU_ASSERT_TRUE(pair_says(p.acceptor, "negotiates TLS again"));
	pair_end(&p);
}

static void new_keys_with_traffic_are_taken(void)
{
	pair p;

	pair_begin(&p, context("c2", NULL), context("c1", NULL), "x@c1.lan");
	pair_shake(&p, 4096);
	CU_ASSERT_EQUAL(ask_for_keys(&p, FLI_TLS_REKEYS_MAX, 0), FLI_TLS_REKEYS_MAX);
	CU_ASSERT_EQUAL(ask_for_keys(&p, 100, FLI_TLS_REKEY_BYTES), 100);
	pair_end(&p);
}

FL_SUITE("tls_abuse", FL_TEST(certificate_of_a_revoked_authority_is_refused),
	FL_TEST(anonymous_server_is_refused), FL_TEST(name_with_nul_is_no_shorter_one),
	FL_TEST(what_is_no_tls_is_said_so), FL_TEST(changed_byte_never_opens_a_session),
	FL_TEST(negotiating_again_without_need_is_refused),
	FL_TEST(new_keys_without_need_are_refused), FL_TEST(new_keys_with_traffic_are_taken));
