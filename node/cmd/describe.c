/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `flitch describe`: what the servers and functions of a node, or of a shared object that no node
 * has loaded, say about themselves, as text or as a client module.
 *
 *  - A node is asked for flitch:describe/0 by its rex; of a file the same term is built here.
 *  - Each name in it is a client of its own. With --out each gets its file; else one goes to
 *    stdout.
 *
 * A file is opened as a node would load it: code that it runs when it is loaded runs here as well.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flitch.h"
#include "node/cmd/client.h"
#include "node/cmd/cmd.h"
#include "node/cmd/typing.h"
#include "node/cmd/visit.h"
#include "node/docs.h"

/* Beyond that a list is somebody's attack. */
enum { NAMES_MAX = 1024 };

typedef struct describe {
	fl_buf term; /* what flitch:describe/0 answers */
	fli_client client;
	const char *out; /* folder, or NULL */
	fl_bin names[NAMES_MAX];
	size_t names_count;
} describe;

/* ---- of a node ------------------------------------------------------------------------------- */

static int ask(fl_proc *self, fli_visit *visit)
{
	describe *d = visit->ctx;
	fl_term reply = {0}, why;
	int rc = fl_call(self, fl_name_at("rex", visit->node), visit->timeout_ms, &reply,
		"{call, flitch, describe, [], ~}", fl_self(self));
	char text[128];

	if (rc != FL_OK)
		return fli_visit_failed(visit, rc, "rex", reply);
	if (fl_match(reply, "{badrpc, ~}", &why)) {
		rc = fl_error_set(&visit->err, FL_EREFUSED, "%s describes nothing: %s", visit->node,
			fl_print_to(text, sizeof text, why));
		fl_error_why(
			&visit->err, "it is a BEAM, an older C node, or rpc.profile is strict");
		fl_error_next(&visit->err, "flitch describe FILE.so asks no node");
		return rc;
	}
	return fl_build(&d->term, "~", reply);
}

/* ---- of a file ------------------------------------------------------------------------------- */

static int read_object(describe *d, void *handle)
{
	const fl_module_docs *docs = dlsym(handle, "fl_docs_v1");
	const fl_module_exports *exports = dlsym(handle, "fl_exports_v1");

	fl_tuple_open(&d->term);
	(void)fl_build(&d->term, "1");
	fl_list_open(&d->term);
	if (docs != NULL && docs->abi == 1 && docs->doc_size == sizeof(fl_doc))
		fli_docs_build(&d->term, docs->docs);
	fl_list_close(&d->term);
	fl_list_open(&d->term);
	if (exports != NULL && exports->abi == FL_ABI && exports->export_size == sizeof(fl_export))
		for (const fl_export *at = exports->exports; at->module != NULL; at++)
			fli_docs_build_export(&d->term, at);
	fl_list_close(&d->term);
	fl_tuple_close(&d->term);
	return d->term.error;
}

static int read_file(describe *d, const char *path, fl_error *err)
{
	void *handle = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
	int rc;

	if (handle == NULL) {
		rc = fl_error_set(err, FL_EFORMAT, "cannot open %s", path);
		fl_error_why(err, "%.200s", dlerror());
		fl_error_next(err, "name a shared object as `flitch run --load` takes it");
		return rc;
	}
	rc = read_object(d, handle);
	(void)dlclose(handle); /* what was read of it has been copied */
	return rc == FL_OK ? FL_OK : fl_error_set(err, rc, "out of memory");
}

/* ---- names ----------------------------------------------------------------------------------- */

static void add_name(describe *d, fl_bin name)
{
	for (size_t i = 0; i < d->names_count; i++)
		if (d->names[i].size == name.size &&
			memcmp(d->names[i].data, name.data, name.size) == 0)
			return;
	if (d->names_count < NAMES_MAX)
		d->names[d->names_count++] = name;
}

static int find_names(describe *d, fl_error *err)
{
	fl_term docs, functions, one;
	fl_bin of;

	if (!fl_match(fl_buf_term(&d->term), "{1, ~, ~}", &d->client.docs, &d->client.functions))
		return fl_error_set(err, FL_EFORMAT, "it describes itself as another version does");
	docs = d->client.docs;
	functions = d->client.functions;
	while (fl_list_next(&docs, &one))
		if (fl_match(one, "{~, _, _}", &of))
			add_name(d, of);
	while (fl_list_next(&functions, &one))
		if (fl_match(one, "{~, _, _}", &of))
			add_name(d, of);
	return FL_OK;
}

/* The one that was asked for is the only one from then on. */
static int choose(describe *d, const char *wanted, fl_error *err)
{
	char list[256] = "";

	for (size_t i = 0; i < d->names_count; i++) {
		fl_bin name = d->names[i];

		if (wanted != NULL && strlen(wanted) == name.size &&
			memcmp(wanted, name.data, name.size) == 0) {
			d->names[0] = name;
			d->names_count = 1;
			return FL_OK;
		}
		(void)snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s",
			i == 0 ? "" : ", ", fli_show(name.data, name.size).text);
	}
	if (d->names_count > 0 && wanted == NULL &&
		(d->names_count == 1 || d->out != NULL || d->client.format == FLI_CLIENT_TEXT))
		return FL_OK;
	if (d->names_count == 0)
		(void)fl_error_set(err, FL_EFORMAT, "nothing is described there");
	else if (wanted != NULL)
		(void)fl_error_set(err, FL_EINVAL, "\"%s\" is not described there", wanted);
	else
		(void)fl_error_set(err, FL_EINVAL, "more than one client could be written");
	fl_error_why(err,
		d->names_count == 0 ? "there is no FL_DOCS and no FL_EXPORTS" : "there are %s",
		list);
	fl_error_next(err, d->names_count == 0
				   ? "see <flitch/docs.h>"
				   : "name one of them, or write them all with --out FOLDER");
	return err->code;
}

/* ---- writing --------------------------------------------------------------------------------- */

static int write_file(describe *d, fl_error *err)
{
	char module[256], path[4096];
	int rc, size;

	fli_client_module(&d->client, module, sizeof module);
	size = snprintf(path, sizeof path, "%s/%.*s_client.%s", d->out, (int)d->client.of.size,
		(const char *)d->client.of.data,
		d->client.format == FLI_CLIENT_ELIXIR ? "ex" : "erl");
	if (size >= (int)sizeof path)
		return fl_error_set(err, FL_EINVAL, "the name of the folder is too long");
	d->client.out = fopen(path, "we");
	if (d->client.out == NULL)
		return fl_error_set(err, FL_EIO, "cannot write %s: %s", path, strerror(errno));
	rc = fli_client_print(&d->client, err);
	if (fclose(d->client.out) != 0 && rc == FL_OK)
		rc = fl_error_set(err, FL_EIO, "cannot write %s: %s", path, strerror(errno));
	if (rc != FL_OK)
		(void)unlink(path); /* half a module is none */
	return rc;
}

/* As compilers and generators do; the folder above it must be there. */
static int make_folder(const char *path, fl_error *err)
{
	if (mkdir(path, 0777) == 0 || errno == EEXIST)
		return FL_OK;
	(void)fl_error_set(err, FL_EIO, "cannot make %s: %s", path, strerror(errno));
	fl_error_why(err, "the folder that it is to be in is not there, or not yours");
	fl_error_next(err, "mkdir -p, then the same again");
	return FL_EIO;
}

static int write_all(describe *d, fl_error *err)
{
	int rc = d->out == NULL ? FL_OK : make_folder(d->out, err);

	for (size_t i = 0; i < d->names_count && rc == FL_OK; i++) {
		d->client.of = d->names[i];
		if (d->out != NULL && fli_client_is_name(d->client.of)) {
			rc = write_file(d, err);
			continue;
		}
		d->client.out = stdout;
		rc = fli_client_print(&d->client, err);
	}
	if (fflush(stdout) != 0 && rc == FL_OK)
		rc = fl_error_set(err, FL_EIO, "cannot write to stdout");
	return rc;
}

/* ---- the command ----------------------------------------------------------------------------- */

/* clang-format off */
static const fli_flag describe_flags[] = {
	{.name = "--format", .value = "FORMAT", .help = "text, erlang or elixir (text)"},
	{.name = "--module", .value = "NAME", .help = "the client module's name (counter_client, CounterClient)"},
	{.name = "--out", .value = "FOLDER", .help = "write a file for each, NAME_client.erl or .ex; it is made if need be"},
	{.name = NULL},
};
/* clang-format on */

static int take_flags(describe *d, const fli_args *args, fl_error *err)
{
	const char *format = fli_args_value(args, "--format");

	d->out = fli_args_value(args, "--out");
	d->client.module = fli_args_value(args, "--module");
	if (format == NULL || strcmp(format, "text") == 0)
		d->client.format = FLI_CLIENT_TEXT;
	else if (strcmp(format, "erlang") == 0)
		d->client.format = FLI_CLIENT_ERLANG;
	else if (strcmp(format, "elixir") == 0)
		d->client.format = FLI_CLIENT_ELIXIR;
	else
		return fl_error_set(err, FL_EINVAL, "--format is text, erlang or elixir");
	if (d->out != NULL && d->client.format == FLI_CLIENT_TEXT)
		return fl_error_set(err, FL_EINVAL, "--out wants --format erlang or elixir");
	return FL_OK;
}

static int run(describe *d, const fli_args *args, int *ret_code)
{
	fli_visit visit = {.errand = ask, .ctx = d};
	int rc = take_flags(d, args, &visit.err);

	if (rc == FL_OK && strchr(args->words[0], '/') != NULL) {
		rc = read_file(d, args->words[0], &visit.err);
	} else if (rc == FL_OK) {
		*ret_code = fli_visit_run(&visit, args, args->words[0]);
		if (*ret_code != FLI_EXIT_OK)
			return FL_OK; /* it has been told */
	}
	if (rc == FL_OK)
		rc = find_names(d, &visit.err);
	if (rc == FL_OK)
		rc = choose(d, args->words_count > 1 ? args->words[1] : NULL, &visit.err);
	if (rc == FL_OK)
		rc = write_all(d, &visit.err);
	*ret_code = FLI_EXIT_OK;
	if (rc != FL_OK) {
		visit.err.code = rc;
		*ret_code = fli_print_error("flitch", &visit.err);
	}
	return rc;
}

int fli_cmd_describe(int argc, char *const *argv)
{
	static const fli_args_spec spec = {
		.usage = "flitch describe [flags] NODE|./FILE.so [NAME]",
		.about =
			"What the servers and functions of a C node, or of a shared object (named with a\n"
			"/ in its path), say about themselves; of all, or of NAME.\n" FLI_VISIT_WITHOUT_EPMD,
		.tables = {describe_flags, fli_visit_flags},
		.words_min = 1,
		.words_max = 2,
	};
	describe *d;
	fli_args args;
	int code;

	if (!fli_cmd_parse(&args, &spec, argc, argv, &code))
		return code;
	d = calloc(1, sizeof *d);
	if (d == NULL)
		return FLI_EXIT_TEMPORARY;
	(void)run(d, &args, &code);
	fl_buf_free(&d->term);
	free(d);
	return code;
}
