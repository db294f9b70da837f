/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `flitch tls check`: what other nodes will say of this node's certificates. `flitch tls
 * dev-certs`: a set for a lab, with what flitch and erl are told to use it.
 *
 * The authority in the folder is used again when it is there, so that a second run adds a node.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/tls_options.h"
#include "dist/tls_check.h"
#include "dist/tls_make.h"
#include "node/cmd/cmd.h"

#define DAYS(n) ((int64_t)(n)*86400)

/* Validity of what is made here: long for a lab, short for anything else. */
enum { CA_DAYS = 3650, NODE_DAYS = 825 };
/* A clock that is a little behind must not refuse a fresh certificate. */
enum { CLOCK_SLACK_S = 3600 };

static const fli_args_spec spec = {
	.usage = "flitch tls check | dev-certs DIR [HOST...]",
	.about = "Certificates for connections between nodes:\n"
		 "    flitch tls check --config flitch.conf\n"
		 "    flitch tls dev-certs lab c1.lan 10.0.0.5\n"
		 "Each says more by --help.",
	.words_max = FLI_ARGS_MAX,
};

static const fli_args_spec check_spec = {
	.usage = "flitch tls check [flags]",
	.about = "What other nodes will find in the certificates of tls.* of the configuration.",
	.tables = {fli_node_flags},
};

/* clang-format off */
static const fli_flag make_flags[] = {
	{.name = "--as", .value = "NAME", .help = "name of the files: NAME.pem, NAME.key (node)"},
	{.name = NULL},
};
/* clang-format on */

static const fli_args_spec make_spec = {
	.usage = "flitch tls dev-certs [flags] DIR [HOST...]",
	.about =
		"An authority and a certificate for nodes of these hosts (localhost, 127.0.0.1 and\n"
		"this machine's own name are always among them), in DIR, for a lab. A second run\n"
		"uses the same authority. The keys have no passphrase.",
	.tables = {make_flags},
	.words_min = 1,
	.words_max = FLI_ARGS_MAX,
};

/* ---- check ----------------------------------------------------------------------------------- */

static int report(const fl_options *options, const char *node, fl_error *err)
{
	const fli_tls_config config = fli_tls_told(options);
	fli_buf text;
	int rc;

	fli_buf_create(&text, fli_options_mem(options), 0);
	rc = fli_tls_check(&config, node, &text, err);
	(void)fwrite(text.data, 1, text.size, stdout); /* who closed stdout wants no lines */
	fli_buf_destroy(&text);
	return rc;
}

static int check(const fli_args *args, fl_options *options, fl_error *err)
{
	fli_node_name name;
	int rc = fli_main_options(args, options, err);

	if (rc == FL_OK)
		rc = fli_tls_check_options(options, err);
	if (rc != FL_OK)
		return rc;
	if (!fli_tls_is_on(options)) {
		fl_error_set(err, FL_ECONFIG, "there is no tls.cert: connections are plain");
		fl_error_next(err, "set tls.cert, tls.key and tls.ca in the configuration");
		return FL_ECONFIG;
	}
	if (*fli_options_text(options, FLI_KEY_NODE_NAME) == '\0')
		return report(options, NULL, err);
	rc = fli_options_own_name(options, &name, err);
	return rc == FL_OK ? report(options, name.text, err) : rc;
}

/* ---- dev-certs ------------------------------------------------------------------------------- */

typedef struct set {
	char dir[PATH_MAX];
	const char *as;
	const char *names[FLI_ARGS_MAX + 4];
	char machine[256];
} set;

static const char *path_in(const set *s, const char *name, const char *end, char path[PATH_MAX])
{
	(void)snprintf(path, PATH_MAX, "%.3500s/%.200s%s", s->dir, name, end);
	return path;
}

static int find_authority(const set *s, fli_tls_pair **ret_ca, fl_error *err)
{
	static const fli_tls_order order = {.subject = "flitch lab authority",
		.from_s = -CLOCK_SLACK_S,
		.until_s = DAYS(CA_DAYS),
		.is_authority = true};
	char cert[PATH_MAX], key[PATH_MAX];
	int rc;

	(void)path_in(s, "ca", ".pem", cert);
	(void)path_in(s, "ca", ".key", key);
	if (access(key, F_OK) == 0)
		return fli_tls_read(cert, key, ret_ca, err);
	rc = fli_tls_make(&order, NULL, ret_ca, err);
	if (rc != FL_OK)
		return rc;
	rc = fli_tls_save(*ret_ca, cert, key, err);
	if (rc != FL_OK)
		fli_tls_pair_delete(*ret_ca);
	return rc;
}

static int make_node(const set *s, const fli_tls_pair *ca, fl_error *err)
{
	const fli_tls_order order = {.subject = s->as,
		.names = s->names,
		.from_s = -CLOCK_SLACK_S,
		.until_s = DAYS(NODE_DAYS),
		.for_server = true,
		.for_client = true};
	char cert[PATH_MAX], key[PATH_MAX];
	fli_tls_pair *node;
	int rc = fli_tls_make(&order, ca, &node, err);

	if (rc != FL_OK)
		return rc;
	rc = fli_tls_save(
		node, path_in(s, s->as, ".pem", cert), path_in(s, s->as, ".key", key), err);
	fli_tls_pair_delete(node);
	return rc;
}

/* What erl reads by -ssl_dist_optfile. */
static int write_optfile(const set *s, fl_error *err)
{
	char path[PATH_MAX];
	FILE *file = fopen(path_in(s, s->as, ".conf", path), "we");
	bool ok = file != NULL;

	for (int role = 0; ok && role < 2; role++)
		ok = fprintf(file,
			     "%s{%s, [{certfile, \"%s/%s.pem\"}, {keyfile, \"%s/%s.key\"},\n"
			     "  {cacertfile, \"%s/ca.pem\"}, {verify, verify_peer}%s]}%s\n",
			     role == 0 ? "[" : " ", role == 0 ? "server" : "client", s->dir, s->as,
			     s->dir, s->as, s->dir,
			     role == 0 ? ", {fail_if_no_peer_cert, true}" : "",
			     role == 0 ? "," : "].") > 0;
	if (file != NULL)
		ok = fclose(file) == 0 && ok;
	return ok ? FL_OK : fl_error_set(err, FL_EIO, "cannot write %s: %s", path, strerror(errno));
}

static void tell(const set *s)
{
	(void)printf("%s/%s.pem is a certificate for", s->dir, s->as);
	for (const char *const *name = s->names; *name != NULL; name++)
		(void)printf(" %s", *name);
	(void)printf("\n\nflitch run --sname c1@localhost --set tls.cert=%s/%s.pem \\\n"
		     "    --set tls.key=%s/%s.key --set tls.ca=%s/ca.pem\n"
		     "erl -sname b1@localhost -proto_dist inet_tls -ssl_dist_optfile %s/%s.conf\n",
		s->dir, s->as, s->dir, s->as, s->dir, s->dir, s->as);
}

static int prepare(set *s, const fli_args *args, fl_error *err)
{
	size_t count = 0;

	s->as = fli_args_has(args, "--as") ? fli_args_value(args, "--as") : "node";
	if (strchr(s->as, '/') != NULL || strcmp(s->as, "ca") == 0)
		return fl_error_set(
			err, FL_EINVAL, "\"%s\" cannot be the name of the files", s->as);
	if ((mkdir(args->words[0], 0700) != 0 && errno != EEXIST) ||
		realpath(args->words[0], s->dir) == NULL)
		return fl_error_set(
			err, FL_EIO, "cannot make %s: %s", args->words[0], strerror(errno));
	for (size_t i = 1; i < args->words_count; i++)
		s->names[count++] = args->words[i];
	s->names[count++] = "localhost";
	s->names[count++] = "127.0.0.1";
	if (gethostname(s->machine, sizeof s->machine - 1) == 0 &&
		strcmp(s->machine, "localhost") != 0)
		s->names[count++] = s->machine;
	return FL_OK;
}

static int make(const fli_args *args, fl_options *options, fl_error *err)
{
	fli_tls_pair *ca = NULL;
	set s = {.dir = ""};
	int rc = prepare(&s, args, err);

	(void)options; /* a lab is made before anything is configured */
	if (rc == FL_OK)
		rc = find_authority(&s, &ca, err);
	if (rc != FL_OK)
		return rc;
	rc = make_node(&s, ca, err);
	fli_tls_pair_delete(ca);
	if (rc == FL_OK)
		rc = write_optfile(&s, err);
	if (rc == FL_OK)
		tell(&s);
	return rc;
}

/* ---- the command ----------------------------------------------------------------------------- */

static int run(const fli_args_spec *its, int argc, char *const *argv,
	int (*act)(const fli_args *, fl_options *, fl_error *))
{
	fl_error err = {0};
	fl_options *options;
	fli_args args;
	int code;

	if (!fli_cmd_parse(&args, its, argc, argv, &code))
		return code;
	options = fl_options_new();
	err.code = options != NULL ? act(&args, options, &err) : FL_ENOMEM;
	fl_options_delete(options);
	return err.code == FL_OK ? FLI_EXIT_OK : fli_print_error("flitch", &err);
}

int fli_cmd_tls(int argc, char *const *argv)
{
	const char *what = argc > 0 ? argv[0] : "";
	fl_error err = {0};
	fli_args args;
	int code;

	if (strcmp(what, "check") == 0)
		return run(&check_spec, argc - 1, argv + 1, check);
	if (strcmp(what, "dev-certs") == 0)
		return run(&make_spec, argc - 1, argv + 1, make);
	if (!fli_cmd_parse(&args, &spec, argc, argv, &code))
		return code;
	fl_error_set(&err, FL_EINVAL, "\"%s\" is neither check nor dev-certs", what);
	fl_error_next(&err, "flitch tls --help says more");
	return fli_print_error("flitch", &err);
}
