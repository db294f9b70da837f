/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_TLS_H
#define FLI_DIST_TLS_H

/*
 * TLS for the distribution, as OTP's -proto_dist inet_tls speaks it: who this node is, whom it
 * believes, and sessions that are fed bytes and give back bytes.
 *
 *     fli_tls (certificate, key, authorities) --> fli_tls_session, one a connection
 *
 *     from the socket   fli_tls_session_feed    ---> fli_tls_session_read    plain bytes
 *     plain bytes       fli_tls_session_write   ---> fli_tls_session_out     to the socket
 *
 * Both sides show a certificate of one of the authorities. The one who dials demands that it is for
 * the node that it wanted: by SAN, the host of its name (DNS or IP) or the whole name (DNS or
 * e-mail). The one who accepts asks fli_tls_session_proves once the other has said its name.
 *
 * Threads: one at a time; a reload may happen between any two calls. Memory: sessions keep what
 * they began with alive; OpenSSL allocates by itself, beside the node's allocator.
 * Errors: FL_E* with three parts; nothing that a peer sends asserts. A failed session stays so.
 * Limits: OpenSSL's own on certificates and handshake messages (100 KiB); a peer that negotiates
 * again (TLS 1.2) before FLI_TLS_RENEW_BYTES have come is refused, as is one that wants new keys
 * again and again (TLS 1.3).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flitch/error.h"
#include "node/base/buf.h"

/* A BEAM negotiates anew after some 2^28 records; more often than each 64 MiB is an attack. */
#define FLI_TLS_RENEW_BYTES ((uint64_t)64 << 20)
/* New keys (TLS 1.3) each 64 KiB are plenty; so many may come sooner. */
#define FLI_TLS_REKEY_BYTES ((uint64_t)64 << 10)
#define FLI_TLS_REKEYS_MAX 32
/* One write of a caller makes less than this; beyond it the other side makes us talk. */
#define FLI_TLS_OUT_BYTES_MAX ((size_t)4 << 20)

typedef struct fli_tls fli_tls;
typedef struct fli_tls_session fli_tls_session;

/* Files are PEM; NULL is no text. */
typedef struct fli_tls_config {
	const char *cert_file; /* the own certificate, then those that lead to the authority's */
	const char *key_file;
	const char *ca_file;      /* whom to believe */
	const char *crl_file;     /* what they have taken back; NULL: nobody asks */
	const char *ciphers;      /* of TLS 1.2; NULL: OpenSSL's choice */
	const char *ciphersuites; /* of TLS 1.3; the same */
	bool needs_13;            /* TLS 1.3 alone */
} fli_tls_config;

/* Texts are copied. */
int fli_tls_new(const fli_tls_config *config, fli_mem *mem, fli_tls **ret_tls, fl_error *err);
/* Reads the files anew, for the sessions from now on. After a failure all stays as it was. */
int fli_tls_reload(fli_tls *tls, fl_error *err);
void fli_tls_delete(fli_tls *tls); /* NULL is fine; its sessions are gone by now */

/* ---- sessions -------------------------------------------------------------------------------- */

typedef enum fli_tls_state {
	FLI_TLS_SHAKING, /* who is who is not known yet: no plain bytes either way */
	FLI_TLS_OPEN,
	FLI_TLS_CLOSED, /* the other side said that it is done */
	FLI_TLS_FAILED  /* fli_tls_session_why says why; what is left in `out` is an alert for it */
} fli_tls_state;

/* `node` is who is dialled, NULL when the other side dialled. */
int fli_tls_session_new(fli_tls *tls, const char *node, fli_tls_session **ret_session);
void fli_tls_session_delete(fli_tls_session *session); /* NULL is fine */

/* The dialler's first words. */
fli_tls_state fli_tls_session_begin(fli_tls_session *session);
/* Bytes that came; read until it returns 0 before the next ones, since they are not copied. */
void fli_tls_session_feed(fli_tls_session *session, const uint8_t *bytes, size_t size);
/* Goes on with what was fed; up to `size` plain bytes, 0: none for now (look at the state). */
size_t fli_tls_session_read(fli_tls_session *session, uint8_t *ret_bytes, size_t size);
/* Plain bytes taken: fewer than `size` while the other side negotiates anew, or after a failure. */
size_t fli_tls_session_write(fli_tls_session *session, const uint8_t *bytes, size_t size);
/* Says that nothing more will come. */
void fli_tls_session_finish(fli_tls_session *session);

/* What is to be sent; whoever takes it clears it. */
fli_buf *fli_tls_session_out(fli_tls_session *session);
fli_tls_state fli_tls_session_state(const fli_tls_session *session);
/* What, why and what next, in one line. */
const char *fli_tls_session_why(const fli_tls_session *session);
/* Whether the other side's certificate is one for that node. */
bool fli_tls_session_proves(const fli_tls_session *session, const char *node);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384", for people. */
void fli_tls_session_describe(const fli_tls_session *session, char *ret_text, size_t size);

#endif
