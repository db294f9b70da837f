/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates, made as OTP's ssl and OpenSSL demand them of a node: SAN, EKU for both roles. */
#include "dist/tls_make.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fli_tls_pair {
	X509 *cert;
	EVP_PKEY *key;
};

static int failed(fl_error *err, const char *what)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	fl_error_set(
		err, FL_EIO, "cannot make %s: %s", what, text == NULL ? "out of memory" : text);
	ERR_clear_error();
	return FL_EIO;
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;
	bool ok;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	ok = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return ok;
}

/* ---- alternative names ----------------------------------------------------------------------- */

static GENERAL_NAME *name_of(const char *text)
{
	unsigned char address[sizeof(struct in6_addr)];
	int type = strchr(text, '@') != NULL                 ? GEN_EMAIL
		   : inet_pton(AF_INET, text, address) == 1  ? GEN_IPADD
		   : inet_pton(AF_INET6, text, address) == 1 ? GEN_IPADD
							     : GEN_DNS;

	return a2i_GENERAL_NAME(NULL, NULL, NULL, type, text, 0);
}

static bool add_names(X509 *cert, const char *const *names)
{
	GENERAL_NAMES *all = GENERAL_NAMES_new();
	bool ok = all != NULL;

	for (; ok && *names != NULL; names++) {
		GENERAL_NAME *name = name_of(*names);

		ok = name != NULL && sk_GENERAL_NAME_push(all, name) > 0;
		if (!ok)
			GENERAL_NAME_free(name);
	}
	ok = ok && (sk_GENERAL_NAME_num(all) == 0 ||
			   X509_add1_ext_i2d(cert, NID_subject_alt_name, all, 0, 0) == 1);
	GENERAL_NAMES_free(all);
	return ok;
}

/* ---- a certificate --------------------------------------------------------------------------- */

static const char *usage_of(const fli_tls_order *order)
{
	if (order->for_server && order->for_client)
		return "serverAuth,clientAuth";
	return order->for_server ? "serverAuth" : "clientAuth";
}

static bool add_extensions(X509 *cert, X509 *issuer, const fli_tls_order *order)
{
	if (order->is_authority)
		return add_extension(cert, issuer, NID_basic_constraints, "critical,CA:TRUE") &&
		       add_extension(cert, issuer, NID_key_usage, "critical,keyCertSign,cRLSign") &&
		       add_extension(cert, issuer, NID_subject_key_identifier, "hash");
	if (!add_extension(cert, issuer, NID_basic_constraints, "critical,CA:FALSE") ||
		!add_extension(cert, issuer, NID_key_usage, "critical,digitalSignature"))
		return false;
	if ((order->for_server || order->for_client) &&
		!add_extension(cert, issuer, NID_ext_key_usage, usage_of(order)))
		return false;
	return order->names == NULL || add_names(cert, order->names);
}

/* Random, positive, and so unique without a book of what was handed out. */
static bool set_serial(X509 *cert)
{
	BIGNUM *number = BN_new();
	bool ok = number != NULL &&
		  BN_rand(number, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
		  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;

	BN_free(number);
	return ok;
}

static bool fill(fli_tls_pair *pair, const fli_tls_order *order, const fli_tls_pair *issuer)
{
	X509 *cert = pair->cert, *above = issuer == NULL ? cert : issuer->cert;
	X509_NAME *name = X509_get_subject_name(cert);

	return X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
	       X509_gmtime_adj(X509_getm_notBefore(cert), (long)order->from_s) != NULL &&
	       X509_gmtime_adj(X509_getm_notAfter(cert), (long)order->until_s) != NULL &&
	       X509_set_pubkey(cert, pair->key) == 1 &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
		       (const unsigned char *)order->subject, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(cert, X509_get_subject_name(above)) == 1 &&
	       add_extensions(cert, above, order) &&
	       X509_sign(cert, issuer == NULL ? pair->key : issuer->key, EVP_sha256()) > 0;
}

int fli_tls_make(const fli_tls_order *order, const fli_tls_pair *issuer, fli_tls_pair **ret_pair,
	fl_error *err)
{
	fli_tls_pair *pair = calloc(1, sizeof *pair);

	if (pair == NULL)
		return fl_error_set(err, FL_ENOMEM, "out of memory");
	pair->key = EVP_EC_gen("P-256");
	pair->cert = X509_new();
	if (pair->key != NULL && pair->cert != NULL && fill(pair, order, issuer)) {
		*ret_pair = pair;
		return FL_OK;
	}
	fli_tls_pair_delete(pair);
	return failed(err, "a certificate");
}

void fli_tls_pair_delete(fli_tls_pair *pair)
{
	if (pair == NULL)
		return;
	X509_free(pair->cert);
	EVP_PKEY_free(pair->key);
	free(pair);
}

/* ---- files ----------------------------------------------------------------------------------- */

static FILE *create(const char *file, mode_t mode, fl_error *err)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	FILE *stream;

	if (fd >= 0 && fchmod(fd, mode) == 0 && (stream = fdopen(fd, "w")) != NULL)
		return stream;
	fl_error_set(err, FL_EIO, "cannot write %s: %s", file, strerror(errno));
	if (fd >= 0)
		(void)close(fd);
	return NULL;
}

static int finish(FILE *stream, bool ok, const char *file, fl_error *err)
{
	ok = fclose(stream) == 0 && ok;
	return ok ? FL_OK : fl_error_set(err, FL_EIO, "cannot write %s", file);
}

int fli_tls_save(
	const fli_tls_pair *pair, const char *cert_file, const char *key_file, fl_error *err)
{
	FILE *stream;
	int rc = FL_OK;

	if (cert_file != NULL) {
		stream = create(cert_file, 0644, err);
		if (stream == NULL)
			return FL_EIO;
		rc = finish(stream, PEM_write_X509(stream, pair->cert) == 1, cert_file, err);
	}
	if (rc != FL_OK || key_file == NULL)
		return rc;
	stream = create(key_file, 0600, err);
	if (stream == NULL)
		return FL_EIO;
	return finish(stream,
		PEM_write_PrivateKey(stream, pair->key, NULL, NULL, 0, NULL, NULL) == 1, key_file,
		err);
}

int fli_tls_read(
	const char *cert_file, const char *key_file, fli_tls_pair **ret_pair, fl_error *err)
{
	fli_tls_pair *pair = calloc(1, sizeof *pair);
	FILE *cert = fopen(cert_file, "re"), *key = fopen(key_file, "re");
	bool ok = pair != NULL && cert != NULL && key != NULL;

	if (ok) {
		pair->cert = PEM_read_X509(cert, NULL, NULL, NULL);
		pair->key = PEM_read_PrivateKey(key, NULL, NULL, NULL);
		ok = pair->cert != NULL && pair->key != NULL;
	}
	if (cert != NULL)
		(void)fclose(cert); /* it was only read */
	if (key != NULL)
		(void)fclose(key);
	if (ok) {
		*ret_pair = pair;
		return FL_OK;
	}
	fli_tls_pair_delete(pair);
	ERR_clear_error();
	return fl_error_set(err, FL_EIO, "cannot read %s with %s", cert_file, key_file);
}

static bool fill_list(X509_CRL *crl, const fli_tls_pair *authority, const fli_tls_pair *revoked)
{
	ASN1_TIME *now = X509_gmtime_adj(NULL, 0), *then = X509_gmtime_adj(NULL, 365L * 86400);
	X509_REVOKED *entry = revoked == NULL ? NULL : X509_REVOKED_new();
	bool ok = now != NULL && then != NULL && X509_CRL_set_version(crl, X509_CRL_VERSION_2) &&
		  X509_CRL_set_issuer_name(crl, X509_get_subject_name(authority->cert)) &&
		  X509_CRL_set1_lastUpdate(crl, now) && X509_CRL_set1_nextUpdate(crl, then);

	if (ok && revoked != NULL) {
		ok = entry != NULL &&
		     X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked->cert)) ==
			     1 &&
		     X509_REVOKED_set_revocationDate(entry, now) == 1 &&
		     X509_CRL_add0_revoked(crl, entry) == 1;
		if (ok)
			entry = NULL; /* the list's now */
	}
	X509_REVOKED_free(entry);
	ASN1_TIME_free(now);
	ASN1_TIME_free(then);
	return ok && X509_CRL_sort(crl) && X509_CRL_sign(crl, authority->key, EVP_sha256()) > 0;
}

int fli_tls_revoke(
	const fli_tls_pair *authority, const fli_tls_pair *revoked, const char *file, fl_error *err)
{
	X509_CRL *crl = X509_CRL_new();
	FILE *stream;
	int rc;

	if (crl == NULL || !fill_list(crl, authority, revoked)) {
		X509_CRL_free(crl);
		return failed(err, "a list of revoked certificates");
	}
	stream = create(file, 0644, err);
	rc = stream == NULL ? FL_EIO
			    : finish(stream, PEM_write_X509_CRL(stream, crl) == 1, file, err);
	X509_CRL_free(crl);
	return rc;
}
