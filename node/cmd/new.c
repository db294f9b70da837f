/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `flitch new`: a project of mix or rebar3 with a node in C, from the templates in beam/skeleton.
 *
 *  - They lie beside flitch_beam: in a source tree, from where this binary was built, or where
 *    `make install` has put them. The project gets the path of flitch_beam, and of the tree.
 *  - @word@ in a template is a value; everything else is copied as it is.
 *
 * Failure: the folder must not be there before; what was written until then stays, for a look.
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/cmd/cmd.h"

enum { NAME_SIZE_MAX = 64, VALUE_SIZE = PATH_MAX + 128 };

typedef enum project_kind { MIX = 1, REBAR3 = 2 } project_kind;

/* @ in a path is the project's name. */
typedef struct template
{
	const char *from, *to;
	int kinds;
}
template;

static const template templates[] = {
	{"server.c.in", "c_src/@.c", MIX | REBAR3},
	{"main.c.in", "c_src/main.c", MIX | REBAR3},
	{"Makefile.in", "Makefile", MIX | REBAR3},
	{"Dockerfile.in", "Dockerfile", MIX | REBAR3},
	{"README.md.in", "README.md", MIX | REBAR3},
	{"gitignore.in", ".gitignore", MIX | REBAR3},
	{"mix.exs.in", "mix.exs", MIX},
	{"application.ex.in", "lib/@/application.ex", MIX},
	{"module.ex.in", "lib/@.ex", MIX},
	{"test_helper.exs.in", "test/test_helper.exs", MIX},
	{"test.exs.in", "test/@_test.exs", MIX},
	{"rebar.config.in", "rebar.config", REBAR3},
	{"vm.args.in", "config/vm.args", REBAR3},
	{"app.src.in", "src/@.app.src", REBAR3},
	{"app.erl.in", "src/@_app.erl", REBAR3},
	{"tests.erl.in", "test/@_tests.erl", REBAR3},
};

typedef struct project {
	project_kind kind;
	const char *name;
	char camel[NAME_SIZE_MAX + 1];
	char client[2 * NAME_SIZE_MAX];
	char beam[PATH_MAX]; /* flitch_beam */
	char tree[PATH_MAX]; /* sources of flitch; "": installed */
} project;

/* ---- where things are ------------------------------------------------------------------------ */

static bool is_beam(const char *path, char ret_real[PATH_MAX])
{
	char probe[PATH_MAX + 32];

	if (realpath(path, ret_real) == NULL)
		return false;
	(void)snprintf(probe, sizeof probe, "%s/skeleton/Makefile.in", ret_real);
	return access(probe, R_OK) == 0;
}

static int find_beam(project *p, fl_error *err)
{
	char self[PATH_MAX], path[PATH_MAX + 32];
	ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);

	self[size > 0 ? size : 0] = '\0';
	if (strrchr(self, '/') != NULL)
		*strrchr(self, '/') = '\0';
	(void)snprintf(path, sizeof path, "%s/../share/flitch/beam", self);
	if (is_beam(path, p->beam))
		return FL_OK;
	(void)snprintf(path, sizeof path, "%s/../beam", self);
	if (is_beam(path, p->beam)) {
		(void)snprintf(p->tree, sizeof p->tree, "%s", p->beam);
		*strrchr(p->tree, '/') = '\0';
		return FL_OK;
	}
	(void)fl_error_set(err, FL_ENOENT, "the templates of projects are not there");
	fl_error_why(err, "this binary was moved away from what was installed with it");
	fl_error_next(err, "make install puts them into PREFIX/share/flitch/beam");
	return FL_ENOENT;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* The end of an apt-get install. */
static const char rebar3_packages[] =
	"erlang-dev \\\n"
	"\terlang-inets erlang-ssl erlang-eunit erlang-parsetools erlang-syntax-tools erlang-tools\n"
	"# Debian's rebar3 is one file, whose package wants 200 others, those of a desktop among them.\n"
	"RUN cd /tmp && apt-get download rebar3 && dpkg -x rebar3_*.deb /";

static void value_of(const project *p, const char *word, char ret_value[VALUE_SIZE])
{
	bool is_mix = p->kind == MIX;
	const struct {
		const char *word, *value;
	} all[] = {{"name", p->name}, {"Name", p->camel}, {"client", p->client}, {"beam", p->beam},
		{"tree", p->tree}, {"language", is_mix ? "elixir" : "erlang"},
		{"packages", is_mix ? "elixir erlang-dev" : rebar3_packages}, {"profile", "prod"},
		{"start", is_mix ? "start" : "foreground"},
		{"test", is_mix ? "mix test" : "rebar3 eunit"},
		{"release", is_mix ? "mix release"
				   : "ln -sfn \"$FLITCH_BEAM\" _checkouts/flitch_beam && "
				     "rebar3 as prod release"}};

	*ret_value = '\0';
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (strcmp(all[i].word, word) == 0)
			(void)snprintf(ret_value, VALUE_SIZE, "%s", all[i].value);
}

/* @word@; any other @ is itself. */
static void fill(const project *p, FILE *from, FILE *to)
{
	char line[1024], word[16], value[VALUE_SIZE];
	int size;

	while (fgets(line, sizeof line, from) != NULL)
		for (const char *at = line; *at != '\0'; at++) {
			size = 0;
			if (sscanf(at, "@%15[A-Za-z]@%n", word, &size) == 1 && size > 0) {
				value_of(p, word, value);
				(void)fputs(value, to);
				at += size - 1;
			} else {
				(void)fputc(*at, to);
			}
		}
}

static int make_folders(char *path, fl_error *err)
{
	for (char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0777) != 0 && errno != EEXIST)
			return fl_error_set(
				err, FL_EIO, "cannot make %s: %s", path, strerror(errno));
		*slash = '/';
	}
	return FL_OK;
}

static int write_one(const project *p, const template *t, fl_error *err)
{
	char from_path[PATH_MAX + 64], path[512];
	size_t used = (size_t)snprintf(path, sizeof path, "%s/", p->name);
	FILE *from, *to;
	int rc;

	for (const char *at = t->to; *at != '\0'; at++)
		used += (size_t)snprintf(path + used, sizeof path - used, "%.*s",
			*at == '@' ? NAME_SIZE_MAX : 1, *at == '@' ? p->name : at);
	(void)snprintf(from_path, sizeof from_path, "%s/skeleton/%s", p->beam, t->from);
	rc = make_folders(path, err);
	if (rc != FL_OK)
		return rc;
	from = fopen(from_path, "re");
	to = from == NULL ? NULL : fopen(path, "we");
	if (to != NULL)
		fill(p, from, to);
	if (from == NULL || to == NULL || fclose(to) != 0)
		rc = fl_error_set(err, FL_EIO, "cannot write %s from %s: %s", path, from_path,
			strerror(errno));
	if (from != NULL)
		(void)fclose(from); /* it was only read */
	return rc;
}

/* rebar3 has no path dependencies; what is in _checkouts needs none. */
static int link_checkout(const project *p, fl_error *err)
{
	char path[512];

	(void)snprintf(path, sizeof path, "%s/_checkouts/flitch_beam", p->name);
	if (make_folders(path, err) != FL_OK)
		return err->code;
	if (symlink(p->beam, path) != 0)
		return fl_error_set(err, FL_EIO, "cannot make %s: %s", path, strerror(errno));
	return FL_OK;
}

/* ---- the command ----------------------------------------------------------------------------- */

static int check_name(const char *name, fl_error *err)
{
	static const char *const taken[] = {"flitch", "flitch_beam", "test", "main", "kernel",
		"stdlib", "elixir", "mix", "logger", "int", "char", "server"};
	size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_");
	bool is_taken = false;

	for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
		is_taken = is_taken || strcmp(name, taken[i]) == 0;
	if (name[size] == '\0' && size > 0 && size <= NAME_SIZE_MAX &&
		islower((unsigned char)*name) && !is_taken)
		return FL_OK;
	(void)fl_error_set(err, FL_EINVAL, "\"%.80s\" can be no project's name", name);
	fl_error_why(err,
		is_taken ? "something that the project needs has that name"
			 : "it is a module, a server and a struct: a lower-case letter, then such, "
			   "digits and _");
	fl_error_next(err, "flitch new my_server");
	return FL_EINVAL;
}

static void make_names(project *p)
{
	size_t used = 0;
	bool upper = true;

	for (const char *at = p->name; *at != '\0'; at++) {
		if (*at != '_')
			p->camel[used++] = (char)(upper ? toupper((unsigned char)*at) : *at);
		upper = *at == '_';
	}
	(void)snprintf(p->client, sizeof p->client,
		p->kind == MIX ? "lib/%s_client.ex" : "src/%s_client.erl", p->name);
}

static int create(project *p, fl_error *err)
{
	int rc = check_name(p->name, err);

	if (rc == FL_OK)
		rc = find_beam(p, err);
	if (rc == FL_OK && mkdir(p->name, 0777) != 0) {
		rc = fl_error_set(err, errno == EEXIST ? FL_ETAKEN : FL_EIO, "cannot make %s: %s",
			p->name, strerror(errno));
		fl_error_why(err, "a project begins with a folder of its own");
		fl_error_next(err, "choose another name, or another place");
	}
	make_names(p);
	for (size_t i = 0; rc == FL_OK && i < sizeof templates / sizeof *templates; i++)
		if ((templates[i].kinds & (int)p->kind) != 0)
			rc = write_one(p, &templates[i], err);
	return rc == FL_OK && p->kind == REBAR3 ? link_checkout(p, err) : rc;
}

int fli_cmd_new(int argc, char *const *argv)
{
	static const fli_flag flags[] = {{.name = "--mix", .help = "for mix (the default)"},
		{.name = "--rebar3", .help = "for rebar3"}, {.name = NULL}};
	static const fli_args_spec spec = {
		.usage = "flitch new [--mix|--rebar3] NAME",
		.about =
			"Makes the folder NAME: an application of Elixir or Erlang with a node in C under\n"
			"its supervisor, that builds and passes its test.",
		.tables = {flags},
		.words_min = 1,
		.words_max = 1,
	};
	project p = {.kind = MIX};
	fl_error err = {0};
	fli_args args;
	int code;

	if (!fli_cmd_parse(&args, &spec, argc, argv, &code))
		return code;
	p.name = args.words[0];
	if (fli_args_has(&args, "--rebar3"))
		p.kind = REBAR3;
	if (fli_args_has(&args, "--mix") && p.kind == REBAR3) {
		err.code = fl_error_set(&err, FL_EINVAL, "--mix and --rebar3 exclude each other");
		return fli_print_error("flitch", &err);
	}
	err.code = create(&p, &err);
	if (err.code != FL_OK)
		return fli_print_error("flitch", &err);
	(void)printf("%s is there: cd %s && %s\n", p.name, p.name,
		p.kind == MIX ? "mix test" : "rebar3 eunit");
	return FLI_EXIT_OK;
}
