/* SPDX-License-Identifier: Apache-2.0 */
/* TLS sessions over bytes alone: who is believed, what is said when not, and any bytes at all. */

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dist/tls_check.h"
#include "dist/tls_state.h"
#include "tests/support/certs.h"
#include "tests/support/suite.h"

#define DAY ((int64_t)86400)

static certs set;
static const char *const host_c1[] = {"c1.lan", NULL};
static const char *const host_c2[] = {"c2.lan", NULL};

typedef struct pair {
	fli_tls *dialler_tls, *acceptor_tls;
	fli_tls_session *dialler, *acceptor;
} pair;

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
	fli_tls_config config;
	fl_error err = {0};
	fli_tls *tls = NULL;

	make_set();
	config = certs_config(&set, name);
	if (change != NULL)
		change(&config);
	CU_ASSERT_EQUAL_FATAL(fli_tls_new(&config, fli_mem_libc(), &tls, &err), FL_OK);
	return tls;
}

static void begin(pair *p, fli_tls *dialler, fli_tls *acceptor, const char *node)
{
	*p = (pair){.dialler_tls = dialler, .acceptor_tls = acceptor};
	CU_ASSERT_EQUAL_FATAL(fli_tls_session_new(dialler, node, &p->dialler), FL_OK);
	CU_ASSERT_EQUAL_FATAL(fli_tls_session_new(acceptor, NULL, &p->acceptor), FL_OK);
	(void)fli_tls_session_begin(p->dialler);
}

static void end(pair *p)
{
	fli_tls_session_delete(p->dialler);
	fli_tls_session_delete(p->acceptor);
	fli_tls_delete(p->dialler_tls);
	fli_tls_delete(p->acceptor_tls);
}

/* What one has to say, in pieces of at most `piece`; the plain bytes that come out of it. */
static size_t carry(
	fli_tls_session *from, fli_tls_session *to, size_t piece, uint8_t *plain, size_t plain_max)
{
	fli_buf *out = fli_tls_session_out(from);
	uint8_t bytes[1 << 16];
	size_t size = out->size, total = 0, got;

	CU_ASSERT_TRUE_FATAL(size <= sizeof bytes);
	if (size > 0)
		memcpy(bytes, out->data, size);
	fli_buf_clear(out, 0);
	for (size_t at = 0; at < size; at += piece) {
		fli_tls_session_feed(to, bytes + at, size - at < piece ? size - at : piece);
		do {
			got = fli_tls_session_read(to, plain + total, plain_max - total);
			total += got;
		} while (got > 0 && total < plain_max);
	}
	return total;
}

static void shake(pair *p, size_t piece)
{
	uint8_t none[64];

	for (int i = 0; i < 8; i++) {
		CU_ASSERT_EQUAL(carry(p->dialler, p->acceptor, piece, none, sizeof none), 0);
		CU_ASSERT_EQUAL(carry(p->acceptor, p->dialler, piece, none, sizeof none), 0);
	}
}

static bool are_open(const pair *p)
{
	return fli_tls_session_state(p->dialler) == FLI_TLS_OPEN &&
	       fli_tls_session_state(p->acceptor) == FLI_TLS_OPEN;
}

static bool says(const fli_tls_session *session, const char *text)
{
	bool found = strstr(fli_tls_session_why(session), text) != NULL;

	if (!found)
		(void)printf("  it says: %s\n", fli_tls_session_why(session));
	return found;
}

/* ---- two that believe each other ------------------------------------------------------------- */

static void exchange(size_t piece)
{
	static uint8_t sent[40000], got[40000];
	pair p;

	begin(&p, context("c2", NULL), context("c1", NULL), "x@c1.lan");
	shake(&p, piece);
	CU_ASSERT_TRUE(are_open(&p));
	for (size_t i = 0; i < sizeof sent; i++)
		sent[i] = (uint8_t)(i * 7 + i / 251);
	CU_ASSERT_EQUAL(fli_tls_session_write(p.dialler, sent, sizeof sent), sizeof sent);
	CU_ASSERT_EQUAL(carry(p.dialler, p.acceptor, piece, got, sizeof got), sizeof got);
	CU_ASSERT_EQUAL(memcmp(sent, got, sizeof got), 0);
	CU_ASSERT_EQUAL(fli_tls_session_write(p.acceptor, sent, 5), 5);
	CU_ASSERT_EQUAL(carry(p.acceptor, p.dialler, piece, got, sizeof got), 5);
	end(&p);
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

	begin(&p, context("c2", NULL), context("c1", NULL), "x@c1.lan");
	shake(&p, 4096);
	fli_tls_session_describe(p.acceptor, text, sizeof text);
	CU_ASSERT_EQUAL(strncmp(text, "TLSv1.3 ", 8), 0);
	end(&p);
}

/* As a BEAM of OTP 25 offers it. */
static void only_12(fli_tls_session *session)
{
	CU_ASSERT_EQUAL(SSL_set_max_proto_version(session->ssl, TLS1_2_VERSION), 1);
}

static void begin_12(pair *p)
{
	*p = (pair){.dialler_tls = context("c2", NULL), .acceptor_tls = context("c1", NULL)};
	CU_ASSERT_EQUAL_FATAL(fli_tls_session_new(p->dialler_tls, "x@c1.lan", &p->dialler), FL_OK);
	CU_ASSERT_EQUAL_FATAL(fli_tls_session_new(p->acceptor_tls, NULL, &p->acceptor), FL_OK);
	only_12(p->dialler);
	(void)fli_tls_session_begin(p->dialler);
	shake(p, 4096);
	CU_ASSERT_TRUE(are_open(p));
}

static void peer_of_12_is_taken_unless_13_is_demanded(void)
{
	pair p;

	begin_12(&p);
	end(&p);
	p = (pair){.dialler_tls = context("c2", NULL), .acceptor_tls = context("c1", needs_13)};
	CU_ASSERT_EQUAL_FATAL(fli_tls_session_new(p.dialler_tls, "x@c1.lan", &p.dialler), FL_OK);
	CU_ASSERT_EQUAL_FATAL(fli_tls_session_new(p.acceptor_tls, NULL, &p.acceptor), FL_OK);
	only_12(p.dialler);
	(void)fli_tls_session_begin(p.dialler);
	shake(&p, 4096);
	CU_ASSERT_EQUAL(fli_tls_session_state(p.acceptor), FLI_TLS_FAILED);
	CU_ASSERT_TRUE(says(p.acceptor, "no common version of TLS"));
	end(&p);
}

static void end_is_told_and_is_no_failure(void)
{
	uint8_t none[8];
	pair p;

	begin(&p, context("c2", NULL), context("c1", NULL), "x@c1.lan");
	shake(&p, 4096);
	fli_tls_session_finish(p.dialler);
	CU_ASSERT_EQUAL(carry(p.dialler, p.acceptor, 4096, none, sizeof none), 0);
	CU_ASSERT_EQUAL(fli_tls_session_state(p.acceptor), FLI_TLS_CLOSED);
	end(&p);
}

/* ---- those that are not believed ------------------------------------------------------------- */

/* The acceptor shows NAME; the dialler refuses it and says why, the acceptor gets an alert. */
static void server_is_refused(const char *name, const char *why)
{
	pair p;

	begin(&p, context("c2", NULL), context(name, NULL), "x@c1.lan");
	shake(&p, 4096);
	CU_ASSERT_EQUAL(fli_tls_session_state(p.dialler), FLI_TLS_FAILED);
	CU_ASSERT_TRUE(says(p.dialler, why));
	CU_ASSERT_EQUAL(fli_tls_session_state(p.acceptor), FLI_TLS_FAILED);
	CU_ASSERT_TRUE(says(p.acceptor, "the other side refused TLS with this node"));
	end(&p);
}

static void client_is_refused(const char *name, void (*change)(fli_tls_config *), const char *why)
{
	pair p;

	begin(&p, context(name, NULL), context("c1", change), "x@c1.lan");
	shake(&p, 4096);
	CU_ASSERT_EQUAL(fli_tls_session_state(p.acceptor), FLI_TLS_FAILED);
	CU_ASSERT_TRUE(says(p.acceptor, why));
	CU_ASSERT_EQUAL(fli_tls_session_state(p.dialler), FLI_TLS_FAILED);
	end(&p);
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
	begin(&p, context("c2", NULL), context("c1", with_revoked), "x@c1.lan");
	shake(&p, 4096);
	CU_ASSERT_TRUE(are_open(&p));
	end(&p);
}

static void client_without_certificate_is_refused(void)
{
	fli_tls *bare = context("c2", NULL);
	SSL_CTX *context_of = SSL_CTX_new(TLS_method());
	pair p;

	SSL_CTX_free(bare->context); /* one that shows nothing and believes everybody */
	bare->context = context_of;
	begin(&p, bare, context("c1", NULL), "x@c1.lan");
	shake(&p, 4096);
	CU_ASSERT_EQUAL(fli_tls_session_state(p.acceptor), FLI_TLS_FAILED);
	CU_ASSERT_TRUE(says(p.acceptor, "showed no certificate"));
	end(&p);
}

/* ---- names ----------------------------------------------------------------------------------- */

static bool proves(const char *name, const char *node)
{
	bool result;
	pair p;

	begin(&p, context(name, NULL), context("c1", NULL), "x@c1.lan");
	shake(&p, 4096);
	CU_ASSERT_TRUE(are_open(&p));
	result = fli_tls_session_proves(p.acceptor, node);
	end(&p);
	return result;
}

static void certificate_proves_the_host_or_the_whole_name(void)
{
	static const char *const all[] = {"c3.lan", "*.pool.lan", "10.0.0.5", "boss@c4.lan", NULL};

	make_set();
	certs_good(&set, "many", all);
	CU_ASSERT_TRUE(proves("many", "any@c3.lan"));
	CU_ASSERT_TRUE(proves("many", "any@a.pool.lan"));
	CU_ASSERT_TRUE(proves("many", "any@10.0.0.5"));
	CU_ASSERT_TRUE(proves("many", "boss@c4.lan"));
	CU_ASSERT_FALSE(proves("many", "other@c4.lan"));
	CU_ASSERT_FALSE(proves("many", "any@b.a.pool.lan"));
	CU_ASSERT_FALSE(proves("many", "any@10.0.0.6"));
	CU_ASSERT_FALSE(proves("many", "any@many"));
	CU_ASSERT_FALSE(proves("nameless", "any@nameless"));
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

static void reload_is_for_sessions_from_then_on(void)
{
	static const char *const host_c9[] = {"c9.lan", NULL};
	fli_tls *changing;
	uint8_t byte = 7, got;
	pair p, q = {0};

	make_set();
	certs_good(&set, "turning", host_c1);
	changing = context("turning", NULL);
	begin(&p, context("c2", NULL), changing, "x@c1.lan");
	shake(&p, 4096);
	certs_good(&set, "turning", host_c9);
	CU_ASSERT_EQUAL(fli_tls_reload(changing, NULL), FL_OK);
	CU_ASSERT_EQUAL(fli_tls_session_write(p.dialler, &byte, 1), 1);
	CU_ASSERT_EQUAL(carry(p.dialler, p.acceptor, 4096, &got, 1), 1);
	CU_ASSERT_EQUAL(fli_tls_session_new(p.dialler_tls, "x@c9.lan", &q.dialler), FL_OK);
	CU_ASSERT_EQUAL(fli_tls_session_new(changing, NULL, &q.acceptor), FL_OK);
	(void)fli_tls_session_begin(q.dialler);
	shake(&q, 4096);
	CU_ASSERT_TRUE(are_open(&q));
	end(&q);
	end(&p);
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
	begin(&p, context("c2", NULL), tls, "x@c1.lan");
	shake(&p, 4096);
	CU_ASSERT_TRUE(are_open(&p));
	end(&p);
}

/* ---- bytes of anybody ------------------------------------------------------------------------ */

static void what_is_no_tls_is_said_so(void)
{
	static const uint8_t plain[] = "\0\22N\0\0\0\15\7\337\177\275\1\2\3\4\0\1a";
	uint8_t none[8];
	pair p;

	begin(&p, context("c2", NULL), context("c1", NULL), "x@c1.lan");
	fli_tls_session_feed(p.acceptor, plain, sizeof plain - 1);
	CU_ASSERT_EQUAL(fli_tls_session_read(p.acceptor, none, sizeof none), 0);
	CU_ASSERT_EQUAL(fli_tls_session_state(p.acceptor), FLI_TLS_FAILED);
	CU_ASSERT_TRUE(says(p.acceptor, "what came is no TLS"));
	end(&p);
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
		begin(&p, context("c2", NULL), context("c1", NULL), "x@c1.lan");
		out = fli_tls_session_out(p.dialler);
		if (at >= out->size) {
			end(&p);
			break;
		}
		data = out->data;
		data[at] ^= 0x55;
		shake(&p, 4096);
		CU_ASSERT_FALSE(are_open(&p));
		CU_ASSERT_EQUAL(fli_tls_session_write(p.acceptor, none, sizeof none), 0);
		end(&p);
	}
}

static void negotiating_again_without_need_is_refused(void)
{
	uint8_t none[64];
	pair p;

	begin_12(&p);
	for (int i = 0; i < 4 && are_open(&p); i++) {
		(void)SSL_renegotiate(p.dialler->ssl);
		(void)SSL_do_handshake(p.dialler->ssl);
		for (int k = 0; k < 4; k++) {
			(void)carry(p.dialler, p.acceptor, 4096, none, sizeof none);
			(void)carry(p.acceptor, p.dialler, 4096, none, sizeof none);
		}
	}
	CU_ASSERT_EQUAL(fli_tls_session_state(p.acceptor), FLI_TLS_FAILED);
	CU_ASSERT_TRUE(says(p.acceptor, "negotiates TLS again"));
	end(&p);
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
	FL_TEST(certificate_proves_the_host_or_the_whole_name), FL_TEST(check_tells_each_fault),
	FL_TEST(file_that_cannot_be_used_is_named), FL_TEST(reload_is_for_sessions_from_then_on),
	FL_TEST(reload_that_fails_changes_nothing), FL_TEST(what_is_no_tls_is_said_so),
	FL_TEST(changed_byte_never_opens_a_session),
	FL_TEST(negotiating_again_without_need_is_refused));
