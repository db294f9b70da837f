/* SPDX-License-Identifier: Apache-2.0 */
/* The keys tls.*: what belongs together, and what the layer below is told. */

#include "cluster/tls_options.h"

static const char *text_or_null(const fl_options *options, fli_key key)
{
	const char *text = fli_options_text(options, key);

	return *text == '\0' ? NULL : text;
}

bool fli_tls_is_on(const fl_options *options)
{
	return *fli_options_text(options, FLI_KEY_TLS_CERT) != '\0';
}

fli_tls_config fli_tls_told(const fl_options *options)
{
	return (fli_tls_config){
		.cert_file = text_or_null(options, FLI_KEY_TLS_CERT),
		.key_file = text_or_null(options, FLI_KEY_TLS_KEY),
		.ca_file = text_or_null(options, FLI_KEY_TLS_CA),
		.crl_file = text_or_null(options, FLI_KEY_TLS_CRL),
		.ciphers = text_or_null(options, FLI_KEY_TLS_CIPHERS),
		.ciphersuites = text_or_null(options, FLI_KEY_TLS_CIPHERSUITES),
		.needs_13 = fli_options_int(options, FLI_KEY_TLS_VERSIONS) == FLI_TLS_13,
	};
}

int fli_tls_check_options(const fl_options *options, fl_error *err)
{
	static const fli_key all[] = {FLI_KEY_TLS_CERT, FLI_KEY_TLS_KEY, FLI_KEY_TLS_CA,
		FLI_KEY_TLS_CRL, FLI_KEY_TLS_CIPHERS, FLI_KEY_TLS_CIPHERSUITES};
	const char *given = NULL;

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (*fli_options_text(options, all[i]) != '\0')
			given = fli_option_of(all[i])->key;
	for (size_t i = 0; given != NULL && i < 3; i++) {
		if (*fli_options_text(options, all[i]) != '\0')
			continue;
		fl_error_set(err, FL_ECONFIG, "%s is set, and %s is not", given,
			fli_option_of(all[i])->key);
		fl_error_why(err, "TLS needs a certificate, its key, and whom to believe");
		fl_error_next(err,
			"set tls.cert, tls.key and tls.ca; flitch tls dev-certs DIR makes a "
			"set for a lab");
		return FL_ECONFIG;
	}
	return FL_OK;
}
