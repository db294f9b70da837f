/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenSSL's input and output as memory: it reads from the bytes that the socket brought, where they
 * lie, and writes behind what waits to be sent. When nothing is left to read it is told to come
 * back, never that the stream has ended: the socket says that.
 */
#include "dist/tls_state.h"

#include <limits.h>

static int span_read(BIO *bio, char *data, size_t size, size_t *ret_size)
{
	fli_tls_session *session = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (session->in_size == 0) {
		BIO_set_retry_read(bio);
		return 0;
	}
	if (size > session->in_size)
		size = session->in_size;
	memcpy(data, session->in, size);
	session->in += size;
	session->in_size -= size;
	*ret_size = size;
	return 1;
}

static int span_write(BIO *bio, const char *data, size_t size, size_t *ret_size)
{
	fli_tls_session *session = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	fli_buf_add(&session->out, data, size);
	if (session->out.failed)
		return 0;
	*ret_size = size;
	return 1;
}

static long span_control(BIO *bio, int command, long number, void *pointer)
{
	(void)bio, (void)number, (void)pointer;
	return command == BIO_CTRL_FLUSH; /* all that it asks of a transport */
}

BIO_METHOD *fli_tls_span_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "span");

	if (method == NULL)
		return NULL;
	if (BIO_meth_set_read_ex(method, span_read) && BIO_meth_set_write_ex(method, span_write) &&
		BIO_meth_set_ctrl(method, span_control))
		return method;
	BIO_meth_free(method);
	return NULL;
}

BIO *fli_tls_span_new(BIO_METHOD *method, fli_tls_session *session)
{
	BIO *bio = BIO_new(method);

	if (bio == NULL)
		return NULL;
	BIO_set_data(bio, session);
	BIO_set_init(bio, 1);
	return bio;
}
