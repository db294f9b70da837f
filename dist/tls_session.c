/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TLS session over bytes alone.
 *
 *  - begin or feed: the handshake goes as far as it can; what it has to say appears in `out`;
 *  - read: plain bytes of what was fed, record by record, straight into the caller's buffer;
 *  - write: records behind each other in `out`, each of 16 KiB of plain bytes at most.
 *
 * What goes wrong: a certificate that is not good (fli_tls_verify notes whose and why), an alert,
 * what is no TLS, a peer that negotiates again and again. OpenSSL writes its alert into `out`, so
 * whoever closes sends that first. With TLS 1.3 a dialler is done before the other side has looked
 * at its certificate: that refusal comes as an alert later.
 */
#include "dist/tls_state.h"

#include <openssl/err.h>
#include <stdio.h>

/* ---- whom to believe ------------------------------------------------------------------------- */

int fli_tls_verify(int is_good, X509_STORE_CTX *store)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	fli_tls_session *session = SSL_get_app_data(ssl);
	X509 *cert = X509_STORE_CTX_get_current_cert(store);
	int depth = X509_STORE_CTX_get_error_depth(store);

	if (is_good && depth == 0 && session->is_dialler &&
		!fli_tls_cert_names(cert, session->node)) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_HOSTNAME_MISMATCH);
		is_good = 0;
	}
	if (!is_good && session->verify_error == X509_V_OK) {
		session->verify_error = X509_STORE_CTX_get_error(store);
		if (cert != NULL)
			fli_tls_cert_text(cert, session->who, sizeof session->who);
	}
	return is_good;
}

bool fli_tls_session_proves(const fli_tls_session *session, const char *node)
{
	X509 *cert = SSL_get0_peer_certificate(session->ssl);

	return session->state == FLI_TLS_OPEN && cert != NULL && fli_tls_cert_names(cert, node);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void count(fli_tls_session *session, uint64_t earned_bytes, unsigned unearned_max)
{
	if (session->came < earned_bytes && session->unearned++ >= unearned_max) {
		session->state = FLI_TLS_FAILED;
		(void)snprintf(session->why, sizeof session->why,
			"the other side negotiates TLS again without need");
	}
	session->came = 0;
}

/*
 * Each negotiation but the first has to be earned by traffic (TLS 1.2), and new keys as well (1.3),
 * which come without one.
 */
static void on_info(const SSL *ssl, int where, int value)
{
	OSSL_HANDSHAKE_STATE at = SSL_get_state(ssl);

	(void)value;
	if (where == SSL_CB_HANDSHAKE_START && SSL_version(ssl) < TLS1_3_VERSION)
		count(SSL_get_app_data(ssl), FLI_TLS_RENEW_BYTES, 1);
	else if ((where & SSL_CB_LOOP) != 0 &&
		 (at == TLS_ST_SR_KEY_UPDATE || at == TLS_ST_CR_KEY_UPDATE))
		count(SSL_get_app_data(ssl), FLI_TLS_REKEY_BYTES, FLI_TLS_REKEYS_MAX);
}

static bool attach(fli_tls_session *session, const char *node)
{
	BIO *bio = fli_tls_span_new(session->tls->span, session);
	const char *host;

	if (bio == NULL)
		return false;
	SSL_set_bio(session->ssl, bio, bio);
	(void)SSL_set_app_data(session->ssl, session);
	SSL_set_info_callback(session->ssl, on_info);
	if (node == NULL) {
		SSL_set_accept_state(session->ssl);
		return true;
	}
	session->is_dialler = true;
	(void)snprintf(session->node, sizeof session->node, "%s", node);
	SSL_set_connect_state(session->ssl);
	host = strchr(session->node, '@');
	host = host == NULL ? session->node : host + 1;
	/* an address is no server name (RFC 6066, section 3) */
	return strchr(host, ':') != NULL || host[strspn(host, "0123456789.")] == '\0' ||
	       SSL_set_tlsext_host_name(session->ssl, host) == 1;
}

int fli_tls_session_new(fli_tls *tls, const char *node, fli_tls_session **ret_session)
{
	fli_tls_session *session = fli_zalloc(tls->mem, sizeof *session);

	if (session == NULL)
		return FL_ENOMEM;
	session->tls = tls;
	fli_buf_create(&session->out, tls->mem, FLI_TLS_OUT_BYTES_MAX);
	session->ssl = SSL_new(tls->context);
	if (session->ssl == NULL || !attach(session, node)) {
		fli_tls_session_delete(session);
		ERR_clear_error();
		return FL_ENOMEM;
	}
	*ret_session = session;
	return FL_OK;
}

void fli_tls_session_delete(fli_tls_session *session)
{
	if (session == NULL)
		return;
	SSL_free(session->ssl);
	fli_buf_destroy(&session->out);
	fli_free(session->tls->mem, session);
}

/* ---- going on -------------------------------------------------------------------------------- */

/* After a call of OpenSSL's that did not do it; true where it only needs more input. */
static bool waits(fli_tls_session *session, int result)
{
	int error = SSL_get_error(session->ssl, result);

	if (session->state == FLI_TLS_FAILED)
		return false;
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return !session->out.failed;
	if (error == SSL_ERROR_ZERO_RETURN) {
		session->state = FLI_TLS_CLOSED;
		return false;
	}
	fli_tls_explain(session);
	session->state = FLI_TLS_FAILED;
	return false;
}

static void shake(fli_tls_session *session)
{
	int result = SSL_do_handshake(session->ssl);

	if (result == 1 && session->state == FLI_TLS_SHAKING)
		session->state = FLI_TLS_OPEN;
	else if (result != 1)
		(void)waits(session, result);
}

fli_tls_state fli_tls_session_begin(fli_tls_session *session)
{
	ERR_clear_error();
	shake(session);
	return session->state;
}

void fli_tls_session_feed(fli_tls_session *session, const uint8_t *bytes, size_t size)
{
	session->in = bytes;
	session->in_size = size;
}

size_t fli_tls_session_read(fli_tls_session *session, uint8_t *ret_bytes, size_t size)
{
	size_t total = 0, got;
	int result = 1;

	ERR_clear_error();
	if (session->state == FLI_TLS_SHAKING)
		shake(session);
	while (total < size && session->state == FLI_TLS_OPEN && result == 1) {
		result = SSL_read_ex(session->ssl, ret_bytes + total, size - total, &got);
		if (result == 1)
			total += got;
		else
			(void)waits(session, result);
	}
	session->came += total;
	return total;
}

size_t fli_tls_session_write(fli_tls_session *session, const uint8_t *bytes, size_t size)
{
	size_t total = 0, taken;
	int result = 1;

	ERR_clear_error();
	while (total < size && session->state == FLI_TLS_OPEN && result == 1) {
		result = SSL_write_ex(session->ssl, bytes + total, size - total, &taken);
		if (result == 1)
			total += taken;
		else
			(void)waits(session, result);
	}
	return total;
}

void fli_tls_session_finish(fli_tls_session *session)
{
	ERR_clear_error();
	if (session->state == FLI_TLS_OPEN && SSL_shutdown(session->ssl) < 0)
		ERR_clear_error(); /* it ends either way; the socket says so, too */
}

/* ---- looking --------------------------------------------------------------------------------- */

fli_buf *fli_tls_session_out(fli_tls_session *session)
{
	return &session->out;
}

fli_tls_state fli_tls_session_state(const fli_tls_session *session)
{
	return session->state;
}

const char *fli_tls_session_why(const fli_tls_session *session)
{
	return session->why;
}

void fli_tls_session_describe(const fli_tls_session *session, char *ret_text, size_t size)
{
	(void)snprintf(ret_text, size, "%s %s", SSL_get_version(session->ssl),
		SSL_get_cipher_name(session->ssl));
}
