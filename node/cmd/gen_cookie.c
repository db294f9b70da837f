/* SPDX-License-Identifier: Apache-2.0 */
/* `flitch gen-cookie`: a new cookie in a new file, and what to do with it; it is never printed. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "cluster/cookie.h"
#include "node/cmd/cmd.h"

static const fli_args_spec spec = {
	.usage = "flitch gen-cookie [FILE]",
	.about =
		"Writes a cookie of 256 random bits into a file that is not there yet, for this user\n"
		"alone to read. Without FILE: ~/.erlang.cookie, where all Erlang nodes of this user look.",
	.words_max = 1,
};

static int find_home(char *ret_path, size_t size, fl_error *err)
{
	const char *home = getenv("HOME");

	if (home != NULL && *home != '\0' &&
		(size_t)snprintf(ret_path, size, "%s/.erlang.cookie", home) < size)
		return FL_OK;
	fl_error_set(err, FL_EINVAL, "there is no HOME to write .erlang.cookie into");
	fl_error_why(err, "this is a service, or runs with an emptied environment");
	fl_error_next(err, "name the file: flitch gen-cookie FILE");
	return FL_EINVAL;
}

static void tell(const char *path, bool is_home)
{
	(void)printf("%s holds a new cookie; its mode is 0400.\n\n"
		     "Each node of the cluster needs a copy, which only its own user may read:\n"
		     "  scp -p %s HOST:\n",
		path, path);
	if (is_home)
		(void)printf("Nodes of this user read it from there, of C and of Erlang.\n");
	else
		(void)printf("  flitch run --cookie-file %s ...\n"
			     "  BEAM nodes read ~/.erlang.cookie of their user.\n",
			path);
	(void)printf("It keeps strangers and accidents out. What goes over the network is readable "
		     "without TLS.\n");
}

int fli_cmd_gen_cookie(int argc, char *const *argv)
{
	char home[PATH_MAX];
	const char *path = home;
	fl_error err = {0};
	fli_args args;
	int code, rc = FL_OK;

	if (!fli_cmd_parse(&args, &spec, argc, argv, &code))
		return code;
	if (args.words_count > 0)
		path = args.words[0];
	else
		rc = find_home(home, sizeof home, &err);
	if (rc == FL_OK)
		rc = fli_cookie_make(path, &err);
	if (rc != FL_OK)
		return fli_print_error("flitch", &err);
	tell(path, args.words_count == 0);
	return FLI_EXIT_OK;
}
