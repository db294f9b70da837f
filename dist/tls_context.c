/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who this node is, and whom it believes: certificate, key, authorities and revocations from files.
 *
 * One context serves both roles, since a node has one certificate for both (EKU serverAuth and
 * clientAuth, as OTP demands). There is no resumption: each connection shows its certificate anew,
 * so that one that was revoked is out with its next connect.
 *
 * Failure: each file that cannot be used is named, with what is wrong in it.
 */
#include "dist/tls_state.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <sys/stat.h>

/* Of tls.ciphers; all names that OpenSSL knows are half of it. */
#define CIPHERS_BYTES_MAX 8192

/* OpenSSL's first word, where it began, as text; the queue is empty afterwards. */
static const char *reason(void)
{
	unsigned long code = ERR_peek_error();
	const char *text;

	if (ERR_GET_LIB(code) == ERR_LIB_SYS)
		text = strerror(ERR_GET_REASON(code));
	else
		text = ERR_reason_error_string(code);
	ERR_clear_error();
	return text == NULL ? "unknown" : text;
}

static int refuse(fl_error *err, const char *key, const char *file, const char *next)
{
	fl_error_set(err, FL_ECONFIG, "%s = \"%s\" cannot be used: %s", key, file, reason());
	fl_error_next(err, "%s", next);
	return FL_ECONFIG;
}

/* A passphrase would have to come from somewhere: from a person, or from a file beside it. */
static int no_passphrase(char *buf, int size, int is_writing, void *ctx)
{
	(void)buf, (void)size, (void)is_writing, (void)ctx;
	return -1;
}

/* Others must not read the key, as with the cookie; the group may, as Debian's ssl-cert does. */
static int check_key_file(const char *file, fl_error *err)
{
	struct stat info;

	if (stat(file, &info) != 0) {
		fl_error_set(err, FL_ECONFIG, "tls.key = \"%s\": %s", file, strerror(errno));
		fl_error_next(err, "name the file of the private key, in PEM");
		return FL_ECONFIG;
	}
	if ((info.st_mode & 007) == 0)
		return FL_OK;
	fl_error_set(err, FL_ECONFIG, "tls.key = \"%s\" can be read by everybody (mode %03o)", file,
		(unsigned)info.st_mode & 0777);
	fl_error_why(err, "whoever has the key can be this node");
	fl_error_next(err, "chmod 600 %s", file);
	return FL_ECONFIG;
}

static int load_own(SSL_CTX *context, const fli_tls_config *config, fl_error *err)
{
	int rc = check_key_file(config->key_file, err);

	if (rc != FL_OK)
		return rc;
	if (SSL_CTX_use_certificate_chain_file(context, config->cert_file) != 1)
		return refuse(err, "tls.cert", config->cert_file,
			"name a file that holds this node's certificate in PEM");
	if (SSL_CTX_use_PrivateKey_file(context, config->key_file, SSL_FILETYPE_PEM) != 1)
		return refuse(err, "tls.key", config->key_file,
			"name a file that holds the certificate's private key in PEM, without a "
			"passphrase");
	if (SSL_CTX_check_private_key(context) != 1) /* one of another kind is noticed here alone */
		return refuse(err, "tls.key", config->key_file,
			"name the file of the key that tls.cert was made for");
	return FL_OK;
}

/* Of each certificate up to the authority: one below it may be what was taken back. */
static int load_revoked(SSL_CTX *context, const char *file, fl_error *err)
{
	X509_STORE *store = SSL_CTX_get_cert_store(context);
	X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());

	if (lookup == NULL || X509_load_crl_file(lookup, file, X509_FILETYPE_PEM) <= 0)
		return refuse(err, "tls.crl", file,
			"name a file with the authority's list of revoked certificates in PEM");
	(void)X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return FL_OK;
}

static int load_trust(SSL_CTX *context, const fli_tls_config *config, fl_error *err)
{
	STACK_OF(X509_NAME) * names;

	if (SSL_CTX_load_verify_file(context, config->ca_file) != 1)
		return refuse(err, "tls.ca", config->ca_file,
			"name a file that holds the authorities' certificates in PEM");
	names = SSL_load_client_CA_file(config->ca_file);
	if (names == NULL)
		return refuse(err, "tls.ca", config->ca_file, "see that it is whole");
	SSL_CTX_set_client_CA_list(context, names);
	return config->crl_file == NULL ? FL_OK : load_revoked(context, config->crl_file, err);
}

/* Never one without a certificate, or without encryption, whatever the list says. */
static bool set_list(SSL_CTX *context, const char *ciphers)
{
	char list[CIPHERS_BYTES_MAX + 32];

	if (strlen(ciphers) > CIPHERS_BYTES_MAX)
		return false;
	(void)snprintf(list, sizeof list, "%s:!aNULL:!eNULL", ciphers);
	return SSL_CTX_set_cipher_list(context, list) == 1;
}

static int set_ciphers(SSL_CTX *context, const fli_tls_config *config, fl_error *err)
{
	if (config->ciphers != NULL && !set_list(context, config->ciphers))
		return refuse(err, "tls.ciphers", config->ciphers, "openssl ciphers lists them");
	if (config->ciphersuites != NULL &&
		SSL_CTX_set_ciphersuites(context, config->ciphersuites) != 1)
		return refuse(err, "tls.ciphersuites", config->ciphersuites,
			"openssl ciphers -s -tls1_3 lists them");
	return FL_OK;
}

static void set_ways(SSL_CTX *context, const fli_tls_config *config)
{
	(void)SSL_CTX_set_min_proto_version(
		context, config->needs_13 ? TLS1_3_VERSION : TLS1_2_VERSION);
	(void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_num_tickets(context, 0);
	/* a BEAM client negotiates anew after many records; the session bounds how often */
	(void)SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
	(void)SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
						SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
						SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_default_passwd_cb(context, no_passphrase);
	SSL_CTX_set_verify(
		context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, fli_tls_verify);
}

int fli_tls_context_new(const fli_tls_config *config, SSL_CTX **ret_context, fl_error *err)
{
	SSL_CTX *context = SSL_CTX_new(TLS_method());
	int rc;

	ERR_clear_error();
	if (context == NULL)
		return fl_error_set(err, FL_ENOMEM, "out of memory for TLS");
	set_ways(context, config);
	rc = set_ciphers(context, config, err);
	if (rc == FL_OK)
		rc = load_own(context, config, err);
	if (rc == FL_OK)
		rc = load_trust(context, config, err);
	if (rc == FL_OK)
		*ret_context = context;
	else
		SSL_CTX_free(context);
	return rc;
}

static bool copy_text(fli_mem *mem, const char **text)
{
	size_t size = *text == NULL ? 0 : strlen(*text) + 1;
	char *copy = size == 0 ? NULL : fli_alloc(mem, size);

	if (copy != NULL)
		memcpy(copy, *text, size);
	*text = copy;
	return size == 0 || copy != NULL;
}

/* Every text is copied or NULL afterwards, whatever failed. */
static bool copy_config(fli_tls *tls, const fli_tls_config *config)
{
	fli_tls_config *own = &tls->config;
	const char **const texts[] = {&own->cert_file, &own->key_file, &own->ca_file,
		&own->crl_file, &own->ciphers, &own->ciphersuites};
	bool ok = true;

	*own = *config;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		ok = copy_text(tls->mem, texts[i]) && ok;
	return ok;
}

static void free_config(fli_tls *tls)
{
	const fli_tls_config *own = &tls->config;
	const char *const texts[] = {own->cert_file, own->key_file, own->ca_file, own->crl_file,
		own->ciphers, own->ciphersuites};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		fli_free(tls->mem, (void *)(uintptr_t)texts[i]);
}

int fli_tls_new(const fli_tls_config *config, fli_mem *mem, fli_tls **ret_tls, fl_error *err)
{
	fli_tls *tls = fli_zalloc(mem, sizeof *tls);
	int rc;

	if (tls == NULL)
		return fl_error_set(err, FL_ENOMEM, "out of memory");
	tls->mem = mem;
	tls->span = fli_tls_span_method();
	rc = !copy_config(tls, config) || tls->span == NULL
		     ? fl_error_set(err, FL_ENOMEM, "out of memory for TLS")
		     : fli_tls_context_new(&tls->config, &tls->context, err);
	if (rc == FL_OK)
		*ret_tls = tls;
	else
		fli_tls_delete(tls);
	return rc;
}

int fli_tls_reload(fli_tls *tls, fl_error *err)
{
	SSL_CTX *fresh;
	int rc = fli_tls_context_new(&tls->config, &fresh, err);

	if (rc != FL_OK)
		return rc;
	SSL_CTX_free(tls->context); /* counted: sessions that began with it go on */
	tls->context = fresh;
	return FL_OK;
}

void fli_tls_delete(fli_tls *tls)
{
	if (tls == NULL)
		return;
	SSL_CTX_free(tls->context);
	BIO_meth_free(tls->span);
	free_config(tls);
	fli_free(tls->mem, tls);
}
