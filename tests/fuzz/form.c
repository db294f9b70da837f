/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/form.h"

#include <string.h>

#include "node/term/tag.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/guest.h"

enum { VALUES_MAX = 16, REQUESTS_MAX = 6 };

static const struct function {
	const char *module, *name;
	uint32_t arity;
} functions[] = {{"erlang", "whereis", 1}, {"erlang", "process_info", 1},
	{"erlang", "process_info", 2}, {"erlang", "is_process_alive", 1}, {"erlang", "exit", 1},
	{"erlang", "exit", 2}, {"erlang", "throw", 1}, {"erlang", "error", 1},
	{"erlang", "error", 2}, {"erlang", "send", 2}, {"erlang", "send", 3},
	{"erlang", "garbage_collect", 1}, {"erlang", "system_info", 1}, {"erlang", "memory", 1},
	{"erlang", "statistics", 1}, {"erlang", "monotonic_time", 1}, {"erlang", "nodes", 1},
	{"erlang", "monitor_node", 2}, {"erlang", "monitor_node", 3},
	{"erlang", "disconnect_node", 1}, {"erlang", "apply", 2}, {"erlang", "apply", 3},
	{"erlang", "function_exported", 3}, {"net_adm", "ping", 1},
	{"net_kernel", "connect_node", 1}, {"net_kernel", "hidden_connect_node", 1},
	{"rpc", "call", 4}, {"rpc", "call", 5}, {"gen_server", "call", 2},
	{"gen_server", "call", 3}, {"gen_server", "cast", 2}, {"gen_server", "stop", 3},
	{"supervisor", "which_children", 1}, {"supervisor", "count_children", 1},
	{"supervisor", "get_childspec", 2}, {"supervisor", "start_child", 2},
	{"Elixir.DynamicSupervisor", "start_child", 2},
	{"Elixir.PartitionSupervisor", "whereis_name", 1}, {"sys", "get_state", 1},
	{"sys", "get_status", 2}, {"sys", "suspend", 1}, {"sys", "resume", 1},
	{"sys", "terminate", 2}, {"application", "get_env", 3}, {"proc_lib", "get_label", 1},
	{"proc_lib", "translate_initial_call", 1}, {"Elixir.Process", "info", 2},
	{"Elixir.Process", "send", 3}, {"erpc", "execute_call", 4}, {"erpc", "execute_cast", 3},
	{"erlang", "spawn", 3}, {"code", "load_binary", 3}, {"Elixir.GenServer", "call", 3}};

/* The values of a form: their bytes one behind the other, since a buffer moves as it grows. */
typedef struct values {
	fli_buf bytes;
	size_t starts[VALUES_MAX + 1];
	size_t count;
} values;

static void end_value(values *v)
{
	fli_walked walked;
	size_t start = v->starts[v->count];

	/* What is no term would end the connection, and with it the input. */
	if (!fli_walk(v->bytes.data + start, v->bytes.size - start, NULL, &walked)) {
		v->bytes.size = start;
		fli_buf_add8(&v->bytes, FLI_NIL_EXT);
	}
	v->starts[++v->count] = v->bytes.size;
}

static void add_atom(values *v, const char *text)
{
	fli_buf_add8(&v->bytes, FLI_SMALL_ATOM_UTF8_EXT);
	fli_buf_add8(&v->bytes, (uint8_t)strlen(text));
	fli_buf_add_text(&v->bytes, text);
	end_value(v);
}

static void add_function(values *v, fli_cursor *c)
{
	const struct function *f =
		&functions[grow_byte(c) % (sizeof functions / sizeof *functions)];

	add_atom(v, f->module);
	add_atom(v, f->name);
	grow_list(c, &v->bytes, f->arity);
	end_value(v);
}

/* The notation of fl_build knows no pids: they are values too. */
static void add_named(values *v, const char *text)
{
	CHECK(guest_add_text(&v->bytes, text, strlen(text)));
	end_value(v);
}

static bool replace(const char **at, const char *word, char **out)
{
	size_t size = strlen(word);

	if (strncmp(*at, word, size) != 0)
		return false;
	*at += size;
	*(*out)++ = '~';
	return true;
}

/* Makes a pattern of fl_build out of a form, and the values beside it. */
static void fill(const char *form, fli_cursor *c, char *pattern, values *v)
{
	while (*form != '\0') {
		CHECK(v->count < VALUES_MAX);
		if (replace(&form, GUEST_ME, &pattern)) {
			add_named(v, GUEST_ME);
		} else if (replace(&form, GUEST_REF, &pattern)) {
			add_named(v, GUEST_REF);
		} else if (*form == '%') {
			add_function(v, c);
			memcpy(pattern, "~, ~, ~", 7);
			pattern += 7;
			form++;
		} else {
			if (*form == '~') {
				grow_term(c, &v->bytes);
				end_value(v);
			}
			*pattern++ = *form++;
		}
	}
	*pattern = '\0';
}

void form_add(fli_buf *out, const char *form, fli_cursor *c)
{
	values v = {.count = 0};
	fl_value slots[VALUES_MAX];
	fl_buf built = FL_BUF_INIT;
	char pattern[256];

	fli_buf_create(&v.bytes, fli_mem_libc(), 0);
	fill(form, c, pattern, &v);
	for (size_t i = 0; i < v.count; i++)
		slots[i] = (fl_value){.type = FL_SLOT_TERM,
			.as.term = {.data = v.bytes.data + v.starts[i],
				.size = v.starts[i + 1] - v.starts[i]}};
	CHECK(fl_build_values(&built, pattern, slots, v.count) == FL_OK);
	fli_buf_add(out, built.data, built.size);
	fl_buf_free(&built);
	fli_buf_destroy(&v.bytes);
}

void form_talk(const form *forms, size_t count, const uint8_t *data, size_t size)
{
	static guest g;
	fli_cursor c = fli_cursor_make(data, size);
	bool is_up = true;

	guest_open(&g);
	for (int i = 0; i < REQUESTS_MAX && is_up && fli_left(&c) > 0; i++) {
		const form *f = &forms[grow_byte(&c) % count];

		guest_begin(&g, f->control);
		form_add(&g.frame, f->payload, &c);
		is_up = guest_send(&g);
	}
	guest_close(&g);
}
