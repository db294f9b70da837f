/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For whom a certificate is.
 *
 * Only subject alternative names count, as OTP has it; the common name is for people. A wildcard
 * stands for one label of a host, never for a part of a node's name.
 */
#include "dist/tls_state.h"

#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>

static bool names_host(X509 *cert, const char *host)
{
	const unsigned how =
		X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;

	if (host[0] == '.') /* to OpenSSL: whatever ends so */
		return false;
	return X509_check_host(cert, host, strlen(host), how, NULL) == 1 ||
	       X509_check_ip_asc(cert, host, 0) == 1;
}

bool fli_tls_cert_names(X509 *cert, const char *node)
{
	const char *at = strchr(node, '@');
	const unsigned exact = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_WILDCARDS;

	if (names_host(cert, at == NULL ? node : at + 1))
		return true;
	return at != NULL && (X509_check_host(cert, node, strlen(node), exact, NULL) == 1 ||
				     X509_check_email(cert, node, strlen(node), exact) == 1);
}

/* A text that is cut where its room ends. */
typedef struct list {
	char text[160];
	size_t size;
} list;

static void add(list *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(list *l, const char *format, ...)
{
	size_t room = sizeof l->text - l->size;
	va_list args;
	int size;

	va_start(args, format);
	size = vsnprintf(l->text + l->size, room, format, args);
	va_end(args);
	l->size += size < 0 ? 0 : (size_t)size < room ? (size_t)size : room - 1;
}

/* What a certificate says may be anything, NUL in the midst of a name above all. */
static void add_bytes(list *l, const ASN1_STRING *value)
{
	const unsigned char *bytes = ASN1_STRING_get0_data(value);
	int size = ASN1_STRING_length(value);

	for (int i = 0; i < size && l->size + 1 < sizeof l->text; i++)
		l->text[l->size++] = (char)(bytes[i] > ' ' && bytes[i] <= '~' ? bytes[i] : '?');
	l->text[l->size] = '\0';
}

static void add_name(list *l, const GENERAL_NAME *name)
{
	int type;
	const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
	const char *comma = l->size == 0 ? "" : ", ";
	const unsigned char *bytes;

	if (type != GEN_DNS && type != GEN_EMAIL && type != GEN_IPADD)
		return;
	add(l, "%s", comma);
	bytes = ASN1_STRING_get0_data(value);
	if (type != GEN_IPADD)
		add_bytes(l, value);
	else if (ASN1_STRING_length(value) == 4)
		add(l, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
	else
		add(l, "an IPv6 address");
}

/* Nothing that a terminal obeys: somebody who may be anybody wrote it. */
static void clean(char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

void fli_tls_cert_text(X509 *cert, char *ret_text, size_t size)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	char subject[96] = "";
	list all = {.size = 0};

	(void)X509_NAME_get_text_by_NID(
		X509_get_subject_name(cert), NID_commonName, subject, (int)sizeof subject);
	for (int i = 0; names != NULL && i < sk_GENERAL_NAME_num(names); i++)
		add_name(&all, sk_GENERAL_NAME_value(names, i));
	GENERAL_NAMES_free(names);
	(void)snprintf(ret_text, size, "CN=%s, for %s", subject,
		all.size == 0 ? "no name at all" : all.text);
	clean(ret_text);
}
