/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a TLS session failed, in the three parts that a person needs: what, why, what next.
 *
 * Three kinds: the other side's certificate was not good enough for us; ours was not for it, which
 * comes as an alert; or the two do not speak the same, plain distribution against TLS above all.
 */
#include <openssl/err.h>
#include <stdio.h>

#include "dist/tls_state.h"

const char *fli_tls_verify_next(int code)
{
	switch (code) {
	case X509_V_ERR_CERT_HAS_EXPIRED: return "renew it, or see the clock of this machine";
	case X509_V_ERR_CERT_NOT_YET_VALID: return "see the clocks of both machines";
	case X509_V_ERR_CERT_REVOKED: return "give that node a new certificate";
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_UNABLE_TO_GET_CRL: return "put a fresh list of its authority into tls.crl";
	case X509_V_ERR_INVALID_PURPOSE:
		return "make one with extendedKeyUsage = serverAuth, clientAuth";
	case X509_V_ERR_HOSTNAME_MISMATCH:
		return "make one whose subjectAltName has DNS:HOST of the node's name";
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return "have it signed by an authority in tls.ca, or add its authority there";
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return "another authority of that name signed it: put that one into tls.ca";
	default: return "flitch tls check shows what a set of certificates lacks";
	}
}

static void explain_theirs(fli_tls_session *session)
{
	(void)snprintf(session->why, sizeof session->why,
		"the certificate of the other side (%s) is not accepted: %s; %s", session->who,
		X509_verify_cert_error_string(session->verify_error),
		fli_tls_verify_next(session->verify_error));
}

static bool is_alert(unsigned long code)
{
	int number = ERR_GET_REASON(code) - SSL_AD_REASON_OFFSET;

	return ERR_GET_LIB(code) == ERR_LIB_SSL && number >= 0 && number < 256;
}

static const char *alert_next(int number)
{
	switch (number) {
	case SSL_AD_CERTIFICATE_EXPIRED: return "renew the certificate of this node";
	case SSL_AD_CERTIFICATE_REVOKED: return "give this node a new certificate";
	case SSL_AD_UNKNOWN_CA: return "both sides need each other's authorities";
	case SSL_AD_PROTOCOL_VERSION:
		return "a BEAM of OTP 25 offers TLS 1.2 alone unless told otherwise; see tls.versions";
	case SSL_AD_HANDSHAKE_FAILURE:
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
		return "it needs a certificate for this node's host (subjectAltName), for "
		       "serverAuth and clientAuth, signed by an authority that it believes";
	default: return "its own log says more";
	}
}

static void explain_alert(fli_tls_session *session, unsigned long code)
{
	int number = ERR_GET_REASON(code) - SSL_AD_REASON_OFFSET;

	(void)snprintf(session->why, sizeof session->why,
		"the other side refused TLS with this node: %s; %s",
		SSL_alert_desc_string_long(number), alert_next(number));
}

static const char *meaning(int reason)
{
	switch (reason) {
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_RECORD_LENGTH_MISMATCH:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
	case SSL_R_RECORD_TOO_SMALL:
		return "what came is no TLS; the other side speaks plain distribution, or something "
		       "else; start BEAM nodes with -proto_dist inet_tls, give C nodes a tls "
		       "section";
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
		return "the other side showed no certificate; it lacks one for its role as client; "
		       "give it certfile and keyfile in {client, ...} of its ssl_dist_optfile";
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_UNSUPPORTED_SSL_VERSION:
	case SSL_R_NO_PROTOCOLS_AVAILABLE:
		return "no common version of TLS; a BEAM of OTP 25 offers 1.2 alone unless told "
		       "otherwise; see tls.versions here and versions there";
	case SSL_R_NO_SHARED_CIPHER:
		return "no common cipher; the kinds of key or the lists differ; see tls.ciphers here "
		       "and ciphers there";
	default: return NULL;
	}
}

void fli_tls_explain(fli_tls_session *session)
{
	unsigned long code = ERR_peek_last_error();
	const char *text = ERR_reason_error_string(code);
	const char *known = ERR_GET_LIB(code) == ERR_LIB_SSL ? meaning(ERR_GET_REASON(code)) : NULL;

	if (session->verify_error != X509_V_OK)
		explain_theirs(session);
	else if (is_alert(code))
		explain_alert(session, code);
	else
		(void)snprintf(session->why, sizeof session->why, "TLS failed: %s",
			known != NULL         ? known
			: text != NULL        ? text
			: session->out.failed ? "out of memory, or too much output"
					      : "broken input");
	ERR_clear_error();
}
