/* SPDX-License-Identifier: Apache-2.0 */
/* TLS sessions over bytes alone: who is believed, what is said when not, and any bytes at all. */

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dist/tls_check.h"
#include "dist/tls_state.h"
#include "tests/support/sessions.h"
#include "tests/support/suite.h"

#define DAY ((int64_t)86400)

static certs set;
static const char *const host_c1[] = {"c1.lan", NULL};
static const char *const host_c2[] = {"c2.lan", NULL};

static void remove_set(void)
{
	certs_close(&set);
}

/* Before the first use, so that a test can run alone. */
static void make_set(void)
{
	const fli_tls_order good = {.subject = "odd",
		.names = host_c1,
		.from_s = -2 * DAY,
		.until_s = DAY,
		.for_server = true,
		.for_client = true};
	fli_tls_order odd = good;

	if (set.ca != NULL)
		return;
	certs_open(&set);
	(void)atexit(remove_set);
	certs_good(&set, "c1", host_c1);
	certs_good(&set, "c2", host_c2);
	certs_add(&set, "own", &good, true);
	odd.until_s = -DAY;
	certs_add(&set, "expired", &odd, false);
	odd.until_s = 3 * DAY;
	odd.from_s = 2 * DAY;
	certs_add(&set, "future", &odd, false);
	odd = good;
	odd.names = NULL;
	odd.subject = "c1.lan"; /* which once was enough */
	certs_add(&set, "nameless", &odd, false);
	odd = good;
	odd.for_server = false;
	certs_add(&set, "client", &odd, false);
	odd = good;
	odd.for_client = false;
	certs_add(&set, "server", &odd, false);
}

static fli_tls *context(const char *name, void (*change)(fli_tls_config *config))
{
	make_set();
	return pair_context(&set, name, change);
}

static void begin_12(pair *p)
{
	pair_begin_12(p, context("c2", NULL), context("c1", NULL), "x@c1.lan");
	pair_shake(p, 4096);
	CU_ASSERT_TRUE(pair_is_open(p));
}

/* ---- two that believe each other ------------------------------------------------------------- */

static void exchange(size_t piece)
{
	static uint8_t sent[40000], got[40000];
	pair p;

	pair_begin(&p, context("c2", NULL), context("c1", NULL), "x@c1.lan");
	pair_shake(&p, piece);
	CU_ASSERT_TRUE(pair_is_open(&p));
	for (size_t i = 0; i < sizeof sent; i++)
		sent[i] = (uint8_t)(i * 7 + i / 251);
	CU_ASSERT_EQUAL(fli_tls_session_write(p.dialler, sent, sizeof sent), sizeof sent);
	CU_ASSERT_EQUAL(pair_carry(p.dialler, p.acceptor, piece, got, sizeof got), sizeof got);
	CU_ASSERT_EQUAL(memcmp(sent, got, sizeof got), 0);
	CU_ASSERT_EQUAL(fli_tls_session_write(p.acceptor, sent, 5), 5);
	CU_ASSERT_EQUAL(pair_carry(p.acceptor, p.dialler, piece, got, sizeof got), 5);
	pair_end(&p);
}

static void bytes_pass_both_ways(void)
{
	exchange(1 << 16);
}

static void bytes_pass_whatever_the_pieces(void)
{
	exchange(1);
	exchange(7);
	exchange(1400);
}

static void needs_13(fli_tls_config *config)
{
	config->needs_13 = true;
}

static void version_is_the_best_of_both(void)
{
	char text[64];
	pair p;

	pair_begin(&p, context("c2", NULL), context("c1", NULL), "x@c1.lan");
	pair_shake(&p, 4096);
	fli_tls_session_describe(p.acceptor, text, sizeof text);
	CU_ASSERT_EQUAL(strncmp(text, "TLSv1.3 ", 8), 0);
	pair_end(&p);
}

static void peer_of_12_is_taken_unless_13_is_demanded(void)
{
	pair p;

	begin_12(&p);
	pair_end(&p);
	p = (pair){.dialler_tls = context("c2", NULL), .acceptor_tls = context("c1", needs_13)};
	CU_ASSERT_EQUAL_FATAL(fli_tls_session_new(p.dialler_tls, "x@c1.lan", &p.dialler), FL_OK);
	CU_ASSERT_EQUAL_FATAL(fli_tls_session_new(p.acceptor_tls, NULL, &p.acceptor), FL_OK);
	pair_only_12(p.dialler);
	(void)fli_tls_session_begin(p.dialler);
	pair_shake(&p, 4096);
	CU_ASSERT_EQUAL(fli_tls_session_state(p.acceptor), FLI_TLS_FAILED);
	CU_ASSERT_TRUE(pair_says(p.acceptor, "no common version of TLS"));
	pair_end(&p);
}

static void end_is_told_and_is_no_failure(void)
{
	uint8_t none[8];
	pair p;

	pair_begin(&p, context("c2", NULL), context("c1", NULL), "x@c1.lan");
	pair_shake(&p, 4096);
	fli_tls_session_finish(p.dialler);
	CU_ASSERT_EQUAL(pair_carry(p.dialler, p.acceptor, 4096, none, sizeof none), 0);
	CU_ASSERT_EQUAL(fli_tls_session_state(p.acceptor), FLI_TLS_CLOSED);
	pair_end(&p);
}

/* ---- those that are not believed ------------------------------------------------------------- */

/* The acceptor shows NAME; the dialler refuses it and says why, the acceptor gets an alert. */
static void server_is_refused(const char *name, const char *why)
{
	pair p;

	pair_begin(&p, context("c2", NULL), context(name, NULL), "x@c1.lan");
	pair_shake(&p, 4096);
	CU_ASSERT_EQUAL(fli_tls_session_state(p.dialler), FLI_TLS_FAILED);
	CU_ASSERT_TRUE(pair_says(p.dialler, why));
	CU_ASSERT_EQUAL(fli_tls_session_state(p.acceptor), FLI_TLS_FAILED);
	CU_ASSERT_TRUE(pair_says(p.acceptor, "the other side refused TLS with this node"));
	pair_end(&p);
}

static void client_is_refused(const char *name, void (*change)(fli_tls_config *), const char *why)
{
	pair p;

	pair_begin(&p, context(name, NULL), context("c1", change), "x@c1.lan");
	pair_shake(&p, 4096);
	CU_ASSERT_EQUAL(fli_tls_session_state(p.acceptor), FLI_TLS_FAILED);
	CU_ASSERT_TRUE(pair_says(p.acceptor, why));
	CU_ASSERT_EQUAL(fli_tls_session_state(p.dialler), FLI_TLS_FAILED);
	pair_end(&p);
}

static void expired_certificate_is_refused(void)
{
	server_is_refused("expired", "certificate has expired; renew it");
	client_is_refused("expired", NULL, "certificate has expired; renew it");
}

static void future_certificate_is_refused(void)
{
	server_is_refused("future", "not yet valid; see the clocks");
}

static void self_signed_certificate_is_refused(void)
{
	server_is_refused("own", "have it signed by an authority in tls.ca");
	client_is_refused("own", NULL, "have it signed by an authority in tls.ca");
}

static void certificate_of_another_host_is_refused(void)
{
	server_is_refused("c2", "subjectAltName has DNS:HOST");
}

static void certificate_without_alternative_name_is_refused(void)
{
	server_is_refused("nameless", "for no name at all");
}

static void certificate_for_clients_is_refused_as_a_server(void)
{
	server_is_refused("client", "extendedKeyUsage");
}

static void certificate_for_servers_is_refused_as_a_client(void)
{
	client_is_refused("server", NULL, "extendedKeyUsage");
}

static void with_revoked(fli_tls_config *config)
{
	static char file[128];

	(void)snprintf(file, sizeof file, "%s/revoked.crl", set.dir);
	config->crl_file = file;
}

static void revoked_certificate_is_refused(void)
{
	pair p;

	make_set();
	certs_revoke(&set, "c2");
	client_is_refused("c2", with_revoked, "certificate revoked; give that node a new");
	certs_revoke(&set, NULL);
	pair_begin(&p, context("c2", NULL), context("c1", with_revoked), "x@c1.lan");
	pair_shake(&p, 4096);
	CU_ASSERT_TRUE(pair_is_open(&p));
	pair_end(&p);
}

static void client_without_certificate_is_refused(void)
{
	fli_tls *bare = context("c2", NULL);
	SSL_CTX *context_of = SSL_CTX_new(TLS_method());
	pair p;

	SSL_CTX_free(bare->context); /* one that shows nothing and believes everybody */
	bare->context = context_of;
	pair_begin(&p, bare, context("c1", NULL), "x@c1.lan");
	pair_shake(&p, 4096);
	CU_ASSERT_EQUAL(fli_tls_session_state(p.acceptor), FLI_TLS_FAILED);
	CU_ASSERT_TRUE(pair_says(p.acceptor, "showed no certificate"));
	pair_end(&p);
}

/* ---- names ----------------------------------------------------------------------------------- */

static bool proves(const char *name, const char *node)
{
	bool result;
	pair p;

	pair_begin(&p, context(name, NULL), context("c1", NULL), "x@c1.lan");
	pair_shake(&p, 4096);
	CU_ASSERT_TRUE(pair_is_open(&p));
	result = fli_tls_session_proves(p.acceptor, node);
	pair_end(&p);
	return result;
}

static void certificate_proves_the_host_or_the_whole_name(void)
{
	static const char *const all[] = {
		"c3.lan", "*.pool.lan", "10.0.0.5", "boss@c4.lan", "w*.part.lan", NULL};

	make_set();
	certs_good(&set, "many", all);
	CU_ASSERT_TRUE(proves("many", "any@c3.lan"));
	CU_ASSERT_TRUE(proves("many", "any@a.pool.lan"));
	CU_ASSERT_TRUE(proves("many", "any@10.0.0.5"));
	CU_ASSERT_TRUE(proves("many", "boss@c4.lan"));
	CU_ASSERT_FALSE(proves("many", "other@c4.lan"));
	CU_ASSERT_FALSE(proves("many", "any@b.a.pool.lan"));
	CU_ASSERT_FALSE(proves("many", "any@10.0.0.6"));
	CU_ASSERT_FALSE(proves("many", "any@w1.part.lan")); /* a whole label, or none */
	CU_ASSERT_FALSE(proves("many", "any@.lan"));
	CU_ASSERT_FALSE(proves("many", "any@many"));
	CU_ASSERT_FALSE(proves("nameless", "any@nameless"));
}

static void address_is_no_server_name(void)
{
	static const char *const nodes[] = {"x@10.0.0.5", "x@fd00::5", "x@c1.lan"};
	static const char *const all[] = {"10.0.0.5", "fd00::5", "c1.lan", NULL};
	const char *told;
	pair p;

	make_set();
	certs_good(&set, "numbers", all);
	for (size_t i = 0; i < 3; i++) {
		pair_begin(&p, context("c2", NULL), context("numbers", NULL), nodes[i]);
		pair_shake(&p, 4096);
		CU_ASSERT_TRUE(pair_is_open(&p));
		told = SSL_get_servername(p.acceptor->ssl, TLSEXT_NAMETYPE_host_name);
		CU_ASSERT_EQUAL(told != NULL, i == 2);
		pair_end(&p);
	}
}

static void check_tells_each_fault(void)
{
	static const struct {
		const char *name, *node, *line;
	} cases[] = {
		{"c1", "x@c1.lan", "ok    name         is one for x@c1.lan"},
		{"c1", "x@c9.lan", "FAIL  name         is not for x@c9.lan"},
		{"expired", NULL, "FAIL  time         has expired"},
		{"client", NULL, "FAIL  usage        not for servers"},
		{"own", NULL, "FAIL  authority"},
	};
	fli_buf report;

	make_set();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fli_tls_config config = certs_config(&set, cases[i].name);
		fl_error err = {0};
		int rc;

		fli_buf_create(&report, fli_mem_libc(), 0);
		rc = fli_tls_check(&config, cases[i].node, &report, &err);
		fli_buf_add8(&report, '\0');
		CU_ASSERT_PTR_NOT_NULL(strstr((char *)report.data, cases[i].line));
		CU_ASSERT_EQUAL(rc, cases[i].line[0] == 'o' ? FL_OK : FL_ECONFIG);
		fli_buf_destroy(&report);
	}
}

/* ---- files ----------------------------------------------------------------------------------- */

static void file_that_cannot_be_used_is_named(void)
{
	fli_tls_config config;
	fl_error err = {0};
	char other[128];
	fli_tls *tls;

	make_set();
	config = certs_config(&set, "c1");
	config.cert_file = "/nowhere/node.pem";
	CU_ASSERT_EQUAL(fli_tls_new(&config, fli_mem_libc(), &tls, &err), FL_ECONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.what, "tls.cert = \"/nowhere/node.pem\""));
	config = certs_config(&set, "c1");
	(void)snprintf(other, sizeof other, "%s/c2.key", set.dir);
	config.key_file = other;
	CU_ASSERT_EQUAL(fli_tls_new(&config, fli_mem_libc(), &tls, &err), FL_ECONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.what, "tls.key"));
	CU_ASSERT_EQUAL(chmod(other, 0644), 0);
	CU_ASSERT_EQUAL(fli_tls_new(&config, fli_mem_libc(), &tls, &err), FL_ECONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.what, "can be read by everybody"));
	CU_ASSERT_EQUAL(chmod(other, 0600), 0);
}

/* In the midst of a change from one kind of key to another. */
static void key_of_another_kind_is_refused(void)
{
	fli_tls_config config;
	fl_error err = {0};
	EVP_PKEY *rsa = EVP_RSA_gen(2048);
	fli_tls *tls = NULL;
	char file[128];
	FILE *stream;

	make_set();
	(void)snprintf(file, sizeof file, "%s/rsa.key", set.dir);
	CU_ASSERT_PTR_NOT_NULL_FATAL(stream = fopen(file, "w"));
	CU_ASSERT_EQUAL(chmod(file, 0600), 0);
	CU_ASSERT_EQUAL(PEM_write_PrivateKey(stream, rsa, NULL, NULL, 0, NULL, NULL), 1);
	CU_ASSERT_EQUAL(fclose(stream), 0);
	EVP_PKEY_free(rsa);
	config = certs_config(&set, "c1");
	config.key_file = file;
	CU_ASSERT_EQUAL(fli_tls_new(&config, fli_mem_libc(), &tls, &err), FL_ECONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(err.what, "tls.key"));
	if (tls != NULL)
		fli_tls_delete(tls);
}

static void reload_is_for_sessions_from_then_on(void)
{
	static const char *const host_c9[] = {"c9.lan", NULL};
	fli_tls *changing;
	uint8_t byte = 7, got;
	pair p, q = {0};

	make_set();
	certs_good(&set, "turning", host_c1);
	changing = context("turning", NULL);
	pair_begin(&p, context("c2", NULL), changing, "x@c1.lan");
	pair_shake(&p, 4096);
	certs_good(&set, "turning", host_c9);
	CU_ASSERT_EQUAL(fli_tls_reload(changing, NULL), FL_OK);
	CU_ASSERT_EQUAL(fli_tls_session_write(p.dialler, &byte, 1), 1);
	CU_ASSERT_EQUAL(pair_carry(p.dialler, p.acceptor, 4096, &got, 1), 1);
	CU_ASSERT_EQUAL(fli_tls_session_new(p.dialler_tls, "x@c9.lan", &q.dialler), FL_OK);
	CU_ASSERT_EQUAL(fli_tls_session_new(changing, NULL, &q.acceptor), FL_OK);
	(void)fli_tls_session_begin(q.dialler);
	pair_shake(&q, 4096);
	CU_ASSERT_TRUE(pair_is_open(&q));
	pair_end(&q);
	pair_end(&p);
}

static void reload_that_fails_changes_nothing(void)
{
	char file[128];
	fl_error err = {0};
	fli_tls *tls;
	pair p;

	make_set();
	certs_good(&set, "going", host_c1);
	tls = context("going", NULL);
	(void)snprintf(file, sizeof file, "%s/going.pem", set.dir);
	CU_ASSERT_EQUAL(remove(file), 0);
	CU_ASSERT_EQUAL(fli_tls_reload(tls, &err), FL_ECONFIG);
	pair_begin(&p, context("c2", NULL), tls, "x@c1.lan");
	pair_shake(&p, 4096);
	CU_ASSERT_TRUE(pair_is_open(&p));
	pair_end(&p);
}

FL_SUITE("tls", FL_TEST(bytes_pass_both_ways), FL_TEST(bytes_pass_whatever_the_pieces),
	FL_TEST(version_is_the_best_of_both), FL_TEST(peer_of_12_is_taken_unless_13_is_demanded),
	FL_TEST(end_is_told_and_is_no_failure), FL_TEST(expired_certificate_is_refused),
	FL_TEST(future_certificate_is_refused), FL_TEST(self_signed_certificate_is_refused),
	FL_TEST(certificate_of_another_host_is_refused),
	FL_TEST(certificate_without_alternative_name_is_refused),
	FL_TEST(certificate_for_clients_is_refused_as_a_server),
	FL_TEST(certificate_for_servers_is_refused_as_a_client),
	FL_TEST(revoked_certificate_is_refused), FL_TEST(client_without_certificate_is_refused),
	FL_TEST(certificate_proves_the_host_or_the_whole_name), FL_TEST(address_is_no_server_name),
	FL_TEST(check_tells_each_fault), FL_TEST(file_that_cannot_be_used_is_named),
	FL_TEST(key_of_another_kind_is_refused), FL_TEST(reload_is_for_sessions_from_then_on),
	FL_TEST(reload_that_fails_changes_nothing));
