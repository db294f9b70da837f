/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `flitch config show | check`: the configuration that `flitch run` with the same flags would have.
 *
 * A secret is shown as <set> and never by its value.
 */
#include <stdio.h>
#include <string.h>

#include "cluster/cookie.h"
#include "node/cmd/cmd.h"

static const fli_flag flags[] = {
	{.name = "--origin", .help = "say where each value comes from"},
	{.name = NULL},
};

static const fli_args_spec spec = {
	.usage = "flitch config [flags] show|check",
	.about =
		"Shows the value of each key, or checks that they fit together.\n"
		"Takes all flags of flitch run: flag over --set over environment over file over default.",
	.tables = {flags, fli_node_flags},
	.words_min = 1,
	.words_max = 1,
};

static const char *shown(const fl_options *options, fli_key key)
{
	const char *text = fli_options_text(options, key);

	if (fli_option_of(key)->type == FLI_OPTION_SECRET)
		return *text != '\0' ? "<set>" : "";
	return text;
}

/* Ends a line of `width` characters. */
static void end_line(int width, const char *origin, bool with_origin)
{
	if (with_origin)
		(void)printf("%*s  # %s", width < 40 ? 40 - width : 0, "", origin);
	(void)putchar('\n');
}

static void show_peer(const fli_peer_config *peer, bool with_origin)
{
	int width = printf("peers = %s%s%s%s%s%s", peer->name, *peer->address != '\0' ? " at " : "",
		peer->address, *peer->cookie_file != '\0' ? " cookie_file " : "", peer->cookie_file,
		*peer->cookie != '\0' ? " cookie <set>" : "");

	end_line(width, peer->origin, with_origin);
}

static int show(const fl_options *options, bool with_origin)
{
	for (unsigned i = 0; i < FLI_KEYS_COUNT; i++) {
		fli_key key = (fli_key)i;
		int width = printf("%s = %s", fli_option_of(key)->key, shown(options, key));

		end_line(width, fli_options_origin(options, key), with_origin);
	}
	for (size_t i = 0; i < fli_options_peers_count(options); i++)
		show_peer(fli_options_peer(options, i), with_origin);
	return FL_OK;
}

static int check(const fl_options *options, fl_error *err)
{
	fli_node_name name;
	fli_cookie cookie;
	int rc = fli_options_check(options, err);

	if (rc == FL_OK)
		rc = fli_options_own_name(options, &name, err);
	if (rc == FL_OK)
		rc = fli_cookie_find(options, &cookie, err);
	if (rc != FL_OK)
		return rc;
	(void)printf("ok: %s, cookie from %s\n", name.text, cookie.origin);
	fli_cookie_wipe(&cookie);
	return FL_OK;
}

static int act(const fli_args *args, fl_options *options, fl_error *err)
{
	const char *what = args->words[0];
	int rc = fli_main_options(args, options, err);

	if (rc != FL_OK)
		return rc;
	if (strcmp(what, "show") == 0)
		return show(options, fli_args_has(args, "--origin"));
	if (strcmp(what, "check") == 0)
		return check(options, err);
	fl_error_set(err, FL_EINVAL, "\"%s\" is neither show nor check", what);
	fl_error_why(
		err, "config shows what a node would run with, or checks it, and changes nothing");
	fl_error_next(err, "flitch config --help says more");
	return FL_EINVAL;
}

int fli_cmd_config(int argc, char *const *argv)
{
	fl_error err = {0};
	fl_options *options;
	fli_args args;
	int code;

	if (!fli_cmd_parse(&args, &spec, argc, argv, &code))
		return code;
	options = fl_options_new();
	err.code = options != NULL ? act(&args, options, &err) : FL_ENOMEM;
	fl_options_delete(options);
	return err.code == FL_OK ? FLI_EXIT_OK : fli_print_error("flitch", &err);
}
