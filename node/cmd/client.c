/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each function comes twice, with and without a timeout; a cast once.
 *
 *     add(Where, By) -> add(Where, By, 5000).
 *     add(Where, By, Timeout) -> gen_server:call(server(Where), {add, By}, Timeout).
 *
 * What comes from another node is not trusted to be source: names and specifications are checked
 * word by word (typing.h), texts lose their control characters and what ends a string.
 */
#include "node/cmd/client.h"

#include <ctype.h>
#include <string.h>

#include "node/cmd/client_words.h"

enum { NAME_SIZE_MAX = 128, TEXT_BYTES_MAX = 1024 };

/* One function or request of the client that is written. */
typedef struct entry {
	const fli_client *client;
	fli_typing spec;
	fl_bin text;
	void *ctx; /* of the visit */
} entry;

static bool is_elixir(const fli_client *client)
{
	return client->format == FLI_CLIENT_ELIXIR;
}

bool fli_client_is_name(fl_bin name)
{
	const char *text = name.data;

	if (name.size == 0 || name.size > NAME_SIZE_MAX || !islower((unsigned char)*text))
		return false;
	for (size_t i = 0; i < name.size; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '_')
			return false;
	return true;
}

static bool is_same(fl_bin a, fl_bin b)
{
	return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

/* my_server is my_server_client, or MyServerClient. */
void fli_client_module(const fli_client *client, char *ret_name, size_t size)
{
	const char *text = client->of.data;
	size_t used = 0;
	bool upper = true;

	if (client->module != NULL) {
		(void)snprintf(ret_name, size, "%s", client->module);
		return;
	}
	if (!is_elixir(client)) {
		(void)snprintf(ret_name, size, "%.*s_client", (int)client->of.size, text);
		return;
	}
	for (size_t i = 0; i < client->of.size && used + 8 < size; i++) {
		if (text[i] != '_')
			ret_name[used++] = (char)(upper ? toupper((unsigned char)text[i])
							: (unsigned char)text[i]);
		upper = text[i] == '_';
	}
	(void)snprintf(ret_name + used, size - used, "Client");
}

/* ---- the entries ----------------------------------------------------------------------------- */

typedef int visit(entry *e, fl_error *err);

static bool has_doc(const fli_client *client, fl_bin function, uint32_t arity)
{
	fl_term docs = client->docs, one;
	fl_bin of, text, line;
	fli_typing spec;

	while (fl_list_next(&docs, &one))
		if (fl_match(one, "{~, ~, ~}", &of, &text, &line) && is_same(of, client->of) &&
			fli_typing_parse(&spec, text, NULL) == FL_OK &&
			spec.kind == FLI_TYPING_FUNCTION && fli_typing_arity(&spec) == arity &&
			is_same((fl_bin){spec.name.text, spec.name.size}, function))
			return true;
	return false;
}

/* f(term(), term()) -> term() for one that says nothing. */
static int visit_plain(entry *e, fl_term function, visit *each, fl_error *err)
{
	char text[FLI_TYPING_BYTES_MAX];
	fl_bin module, name;
	uint32_t arity;
	int used, rc;

	if (!fl_match(function, "{~, ~, ~}", &module, &name, &arity) ||
		!is_same(module, e->client->of) || !fli_client_is_name(name) ||
		arity > FLI_TYPING_ARGS_MAX || has_doc(e->client, name, arity))
		return FL_OK;
	used = snprintf(text, sizeof text, "%.*s(", (int)name.size, (const char *)name.data);
	for (uint32_t i = 0; i < arity; i++)
		used += snprintf(
			text + used, sizeof text - (size_t)used, "%sterm()", i == 0 ? "" : ", ");
	used += snprintf(text + used, sizeof text - (size_t)used, ") -> term()");
	rc = fli_typing_parse(&e->spec, (fl_bin){text, (size_t)used}, err);
	e->text = (fl_bin){"", 0};
	return rc == FL_OK ? each(e, err) : rc;
}

static int for_each(const fli_client *client, visit *each, void *ctx, fl_error *err)
{
	fl_term docs = client->docs, functions = client->functions, one;
	entry e = {.client = client, .ctx = ctx};
	fl_bin of, text;
	int rc = FL_OK;

	while (rc == FL_OK && fl_list_next(&docs, &one)) {
		if (!fl_match(one, "{~, ~, ~}", &of, &text, &e.text) || !is_same(of, client->of))
			continue;
		rc = fli_typing_parse(&e.spec, text, err);
		if (rc == FL_OK)
			rc = each(&e, err);
		else
			fl_error_wrap(
				err, "the specification of %s", fli_show(of.data, of.size).text);
	}
	while (rc == FL_OK && fl_list_next(&functions, &one))
		rc = visit_plain(&e, one, each, err);
	return rc;
}

/* ---- functions that would be there twice ------------------------------------------------------
 */

enum { SEEN_MAX = 256 };

typedef struct seen {
	struct {
		char name[NAME_SIZE_MAX];
		size_t arity;
	} all[SEEN_MAX];
	size_t count;
} seen;

static int clash(const entry *e, size_t arity, fl_error *err)
{
	(void)fl_error_set(err, FL_EFORMAT, "%.*s/%zu would be there twice", (int)e->spec.name.size,
		e->spec.name.text, arity);
	fl_error_why(err, "two of that name differ in less than two arguments: each has one more, "
			  "for the timeout");
	fl_error_next(err, "give one of the requests another name");
	return FL_EFORMAT;
}

/* One with the timeout, one without; of a cast that alone. */
static int note_seen(entry *e, fl_error *err)
{
	size_t arity = fli_typing_arity(&e->spec) + 1,
	       last = arity + (e->spec.kind != FLI_TYPING_CAST);
	seen *s = e->ctx;

	for (; arity <= last; arity++) {
		char name[NAME_SIZE_MAX];

		(void)snprintf(
			name, sizeof name, "%.*s", (int)e->spec.name.size, e->spec.name.text);
		for (size_t i = 0; i < s->count; i++)
			if (s->all[i].arity == arity && strcmp(s->all[i].name, name) == 0)
				return clash(e, arity, err);
		if (s->count == SEEN_MAX)
			return fl_error_set(err, FL_EFORMAT, "it says too much");
		memcpy(s->all[s->count].name, name, sizeof name);
		s->all[s->count++].arity = arity;
	}
	return FL_OK;
}

static int check_clashes(const fli_client *client, fl_error *err)
{
	seen s = {.count = 0};

	return client->format == FLI_CLIENT_TEXT ? FL_OK : for_each(client, note_seen, &s, err);
}

/* ---- texts ----------------------------------------------------------------------------------- */

static void put_text(FILE *out, fl_bin text, bool in_string)
{
	const char *bytes = text.data;

	for (size_t i = 0; i < text.size && i < TEXT_BYTES_MAX; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (in_string && (c == '"' || c == '\\' || c == '#'))
			(void)fputc('\\', out);
		(void)fputc(c < ' ' || c == 0x7f ? ' ' : c, out);
	}
}

/* What it says about all of it. */
static bool whole_text(const fli_client *client, fl_bin *ret_text)
{
	fl_term docs = client->docs, one;
	fl_bin of, text;

	while (fl_list_next(&docs, &one))
		if (fl_match(one, "{~, undefined, ~}", &of, &text) && is_same(of, client->of)) {
			*ret_text = text;
			return true;
		}
	return false;
}

static void put_name(const entry *e)
{
	(void)fwrite(e->spec.name.text, 1, e->spec.name.size, e->client->out);
}

/* ---- parts of a function --------------------------------------------------------------------- */

static void put_variables(const entry *e, const char *before)
{
	for (size_t i = 0; i < e->spec.args_count; i++) {
		if (e->spec.args[i].is_literal)
			continue;
		(void)fputs(before, e->client->out);
		fli_print_variable(e->client->out, &e->spec, i, is_elixir(e->client));
		before = ", ";
	}
}

static void put_types(const entry *e)
{
	for (size_t i = 0; i < e->spec.args_count; i++) {
		if (e->spec.args[i].is_literal)
			continue;
		(void)fputs(", ", e->client->out);
		if (e->spec.args[i].name.kind != FLI_WORD_END) {
			fli_print_variable(e->client->out, &e->spec, i, is_elixir(e->client));
			(void)fputs(" :: ", e->client->out);
		}
		fli_print_type(
			e->client->out, &e->spec, e->spec.args[i].type, is_elixir(e->client));
	}
}

static void put_request(const entry *e)
{
	FILE *out = e->client->out;

	(void)fputs(e->spec.is_tuple ? "{" : "", out);
	fli_print_literal(out, &e->spec.name, is_elixir(e->client));
	for (size_t i = 0; i < e->spec.args_count; i++) {
		(void)fputs(", ", out);
		if (e->spec.args[i].is_literal)
			fli_print_literal(out, &e->spec.words[e->spec.args[i].type.first],
				is_elixir(e->client));
		else
			fli_print_variable(out, &e->spec, i, is_elixir(e->client));
	}
	(void)fputs(e->spec.is_tuple ? "}" : "", out);
}

static void put_result(const entry *e)
{
	if (e->spec.kind == FLI_TYPING_CAST)
		(void)fputs(is_elixir(e->client) ? ":ok" : "ok", e->client->out);
	else
		fli_print_type(e->client->out, &e->spec, e->spec.result, is_elixir(e->client));
}

/* ---- Erlang ---------------------------------------------------------------------------------- */

static int erlang_export(entry *e, fl_error *err)
{
	size_t arity = fli_typing_arity(&e->spec) + 1;

	(void)err;
	(void)fputs("-export([", e->client->out);
	put_name(e);
	(void)fprintf(e->client->out, "/%zu", arity);
	if (e->spec.kind != FLI_TYPING_CAST) {
		(void)fputs(", ", e->client->out);
		put_name(e);
		(void)fprintf(e->client->out, "/%zu", arity + 1);
	}
	(void)fputs("]).\n", e->client->out);
	return FL_OK;
}

static void erlang_spec(const entry *e, bool has_timeout)
{
	FILE *out = e->client->out;

	(void)fputs("-spec ", out);
	put_name(e);
	(void)fputs("(where()", out);
	put_types(e);
	(void)fputs(has_timeout ? ", timeout()) -> " : ") -> ", out);
	put_result(e);
	(void)fputs(".\n", out);
}

static void erlang_head(const entry *e, const char *last)
{
	put_name(e);
	(void)fputs("(Where", e->client->out);
	put_variables(e, ", ");
	(void)fprintf(e->client->out, "%s)", last);
}

static void erlang_body(const entry *e)
{
	FILE *out = e->client->out;

	if (e->spec.kind == FLI_TYPING_FUNCTION) {
		(void)fprintf(out, " ->\n    erpc:call(Where, %.*s, ", (int)e->client->of.size,
			(const char *)e->client->of.data);
		put_name(e);
		(void)fputs(", [", out);
		put_variables(e, "");
		(void)fputs("], Timeout).\n", out);
		return;
	}
	(void)fprintf(out, " ->\n    gen_server:%s(server(Where), ",
		e->spec.kind == FLI_TYPING_CALL ? "call" : "cast");
	put_request(e);
	(void)fputs(e->spec.kind == FLI_TYPING_CALL ? ", Timeout).\n" : ").\n", out);
}

static int erlang_function(entry *e, fl_error *err)
{
	FILE *out = e->client->out;

	(void)err;
	(void)fputs("\n", out);
	if (e->text.size > 0) {
		(void)fputs("%% @doc ", out);
		put_text(out, e->text, false);
		(void)fputs("\n", out);
	}
	if (e->spec.kind != FLI_TYPING_CAST) {
		erlang_spec(e, false);
		erlang_head(e, "");
		(void)fputs(" -> ", out);
		erlang_head(e, ", 5000");
		(void)fputs(".\n\n", out);
	}
	erlang_spec(e, e->spec.kind != FLI_TYPING_CAST);
	erlang_head(e, e->spec.kind != FLI_TYPING_CAST ? ", Timeout" : "");
	erlang_body(e);
	return FL_OK;
}

/* ---- Elixir ---------------------------------------------------------------------------------- */

static void elixir_spec(const entry *e, bool has_timeout)
{
	FILE *out = e->client->out;

	(void)fputs("  @spec ", out);
	put_name(e);
	(void)fputs("(where", out);
	put_types(e);
	(void)fputs(has_timeout ? ", timeout) :: " : ") :: ", out);
	put_result(e);
	(void)fputs("\n", out);
}

static int elixir_function(entry *e, fl_error *err)
{
	FILE *out = e->client->out;
	bool has_timeout = e->spec.kind != FLI_TYPING_CAST;

	if (e->spec.name.text[0] == '\'')
		return fl_error_set(err, FL_EFORMAT, "%.*s can name no function of Elixir",
			(int)e->spec.name.size, e->spec.name.text);
	(void)fputs("\n", out);
	if (e->text.size > 0) {
		(void)fputs("  @doc \"", out);
		put_text(out, e->text, true);
		(void)fputs("\"\n", out);
	}
	elixir_spec(e, false);
	if (has_timeout)
		elixir_spec(e, true);
	(void)fputs("  def ", out);
	put_name(e);
	(void)fputs("(where", out);
	put_variables(e, ", ");
	(void)fputs(has_timeout ? ", timeout \\\\ 5000),\n    do: " : "),\n    do: ", out);
	if (e->spec.kind == FLI_TYPING_FUNCTION) {
		(void)fprintf(out, ":erpc.call(where, :%.*s, :%.*s, [", (int)e->client->of.size,
			(const char *)e->client->of.data, (int)e->spec.name.size,
			e->spec.name.text);
		put_variables(e, "");
		(void)fputs("], timeout)\n", out);
		return FL_OK;
	}
	(void)fprintf(out, "GenServer.%s(server(where), ", has_timeout ? "call" : "cast");
	put_request(e);
	(void)fputs(has_timeout ? ", timeout)\n" : ")\n", out);
	return FL_OK;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static int plain_entry(entry *e, fl_error *err)
{
	FILE *out = e->client->out;

	(void)err;
	(void)fputs("  ", out);
	fli_print_type(out, &e->spec, (fli_words){0, e->spec.words_count}, false);
	(void)fputs(e->text.size > 0 ? "\n      " : "", out);
	put_text(out, e->text, false);
	(void)fputs("\n", out);
	return FL_OK;
}

static int print_plain(const fli_client *client, fl_error *err)
{
	fl_bin text = {"", 0};

	(void)fprintf(client->out, "%.*s\n", (int)client->of.size, (const char *)client->of.data);
	if (whole_text(client, &text)) {
		(void)fputs("    ", client->out);
		put_text(client->out, text, false);
		(void)fputs("\n", client->out);
	}
	return for_each(client, plain_entry, NULL, err);
}

static int note_kind(entry *e, fl_error *err)
{
	(void)err;
	return e->spec.kind == FLI_TYPING_FUNCTION ? FL_OK : FL_STOP;
}

/* Whether the name of a server has to be added to a node. */
static bool has_requests(const fli_client *client)
{
	return for_each(client, note_kind, NULL, NULL) == FL_STOP;
}

static int print_erlang(const fli_client *client, const char *module, fl_error *err)
{
	bool is_server = has_requests(client);
	fl_bin text = {"", 0};
	FILE *out = client->out;
	int rc;

	(void)fprintf(out, "%%%% Written by `flitch describe --format erlang`.\n");
	(void)fputs(whole_text(client, &text) && text.size > 0 ? "%% @doc " : "", out);
	put_text(out, text, false);
	(void)fprintf(out, "%s-module(%s).\n-compile(no_auto_import).\n", text.size > 0 ? "\n" : "",
		module);
	rc = for_each(client, erlang_export, NULL, err);
	if (rc != FL_OK)
		return rc;
	(void)fputs("-export_type([where/0]).\n\n", out);
	(void)fputs(is_server ? "%% A node that runs it, or its process.\n"
				"-type where() :: node() | pid() | {atom(), node()} | "
				"{global, term()} | {via, module(), term()}.\n"
			      : "-type where() :: node().\n",
		out);
	rc = for_each(client, erlang_function, NULL, err);
	if (is_server)
		(void)fprintf(out,
			"\nserver(Where) when erlang:is_atom(Where) -> {%.*s, Where};\n"
			"server(Where) -> Where.\n",
			(int)client->of.size, (const char *)client->of.data);
	return rc;
}

static int print_elixir(const fli_client *client, const char *module, fl_error *err)
{
	bool is_server = has_requests(client);
	fl_bin text = {"", 0};
	FILE *out = client->out;
	int rc;

	(void)fprintf(out,
		"# Written by `flitch describe --format elixir`.\ndefmodule %s do\n"
		"  @moduledoc \"",
		module);
	if (whole_text(client, &text) && text.size > 0)
		put_text(out, text, true);
	else
		(void)fprintf(out, "A client of %.*s.", (int)client->of.size,
			(const char *)client->of.data);
	(void)fprintf(
		out, "\"\n\n  @type where :: node%s\n", is_server ? " | GenServer.server()" : "");
	rc = for_each(client, elixir_function, NULL, err);
	if (is_server)
		(void)fprintf(out,
			"\n  defp server(where) when is_atom(where), do: {:%.*s, where}\n"
			"  defp server(where), do: where\n",
			(int)client->of.size, (const char *)client->of.data);
	(void)fputs("end\n", out);
	return rc;
}

int fli_client_print(const fli_client *client, fl_error *err)
{
	char module[2 * NAME_SIZE_MAX];

	if (!fli_client_is_name(client->of)) {
		(void)fl_error_set(err, FL_EFORMAT, "\"%s\" can name no client",
			fli_show(client->of.data, client->of.size).text);
		fl_error_why(
			err, "it is no lower-case letter with letters, digits and _ behind it");
		fl_error_next(err, "give the server or module another name");
		return FL_EFORMAT;
	}
	if (check_clashes(client, err) != FL_OK)
		return FL_EFORMAT;
	fli_client_module(client, module, sizeof module);
	switch (client->format) {
	case FLI_CLIENT_ERLANG: return print_erlang(client, module, err);
	case FLI_CLIENT_ELIXIR: return print_elixir(client, module, err);
	default: return print_plain(client, err);
	}
}
