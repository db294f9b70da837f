/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The io protocol's server `user`.
 *
 *  - Each request is answered, since its asker waits without a limit.
 *  - Characters gather in a line, and the line goes to the log when it ends, when it is full, or
 *    when nothing more came for a while.
 *
 * Failure: a format that does not fit its arguments is printed raw together with them. A function
 * that would word the text is refused, io_lib's aside: its code is not here. Control characters
 * become blanks, so that no peer can fake lines of the log. Who reads finds the end of the input.
 */
#include "dist/user_io.h"

#include "dist/io_format.h"
#include "node/log.h"
#include "node/runtime.h"

#define REQUESTS_DEPTH_MAX 4 /* {requests, [{requests, ..}]} */

typedef struct user_state {
	char line[FLI_USER_LINE_BYTES_MAX];
	size_t size;
	bool is_binary; /* of setopts; what reads is at its end, so it shows in getopts alone */
	bool is_latin1; /* likewise */
} user_state;

static void flush(fl_proc *self, user_state *user)
{
	if (user->size > 0)
		fli_log_write(&fl_self_node(self)->log, FLI_NOTICE, "user: %.*s", (int)user->size,
			user->line);
	user->size = 0;
}

static void add_byte(fl_proc *self, user_state *user, uint8_t byte)
{
	/* A character is not cut: its first byte begins the next line. */
	if (byte == '\n' || user->size == sizeof user->line ||
		(user->size > sizeof user->line - 4 && (byte & 0xc0) != 0x80))
		flush(self, user);
	if (byte != '\n')
		user->line[user->size++] = (char)(byte < ' ' || byte == 0x7f ? ' ' : byte);
}

/* ---- output ---------------------------------------------------------------------------------- */

static void add_printed(fli_buf *text, fl_term term)
{
	fl_buf printed = FL_BUF_INIT;

	if (fl_print(&printed, term) == FL_OK)
		fli_buf_add(text, printed.data, printed.size);
	fl_buf_free(&printed);
}

static void add_raw(fli_buf *text, fl_term format, fl_term args)
{
	fli_buf_clear(text, SIZE_MAX);
	add_printed(text, format);
	fli_buf_add8(text, ' ');
	add_printed(text, args);
	fli_buf_add8(text, '\n');
}

/* put_chars with a function; false: one that is not io_lib's. */
static bool apply_format(fli_buf *text, fl_atom module, fl_atom function, fl_term args)
{
	fl_term format, values, one;

	if (!fl_atom_is(module, "io_lib"))
		return false;
	if (fl_match(args, "[~, ~]", &format, &values) &&
		(fl_atom_is(function, "format") || fl_atom_is(function, "fwrite"))) {
		if (!fli_io_format(text, format, values))
			add_raw(text, format, values);
		return true;
	}
	if (!fl_match(args, "[~]", &one) ||
		!(fl_atom_is(function, "write") || fl_atom_is(function, "print")))
		return false;
	add_printed(text, one);
	return true;
}

/* What a put_chars request says; false when it is none, *ret_ok false when its text is none. */
static bool read_put_chars(fli_buf *text, fl_term request, bool *ret_ok)
{
	fl_atom encoding, module, function;
	fl_term chars, args;

	*ret_ok = true;
	if (fl_match(request, "{put_chars, ~, ~}", &encoding, &chars)) {
		*ret_ok = fli_io_chars(text, chars, fl_atom_is(encoding, "latin1"));
		return true;
	}
	if (fl_match(request, "{put_chars, ~}", &chars)) {
		*ret_ok = fli_io_chars(text, chars, true);
		return true;
	}
	if (!fl_match(request, "{put_chars, _, ~, ~, ~}", &module, &function, &args) &&
		!fl_match(request, "{put_chars, ~, ~, ~}", &module, &function, &args))
		return false;
	*ret_ok = apply_format(text, module, function, args);
	return true;
}

static const char *put_chars(fl_proc *self, user_state *user, fl_term request)
{
	fli_buf text;
	bool is_put, ok;

	fli_buf_create(&text, fl_self_node(self)->mem, FLI_USER_TEXT_BYTES_MAX);
	is_put = read_put_chars(&text, request, &ok);
	for (size_t i = 0; i < text.size; i++)
		add_byte(self, user, text.data[i]);
	ok = ok && !text.failed;
	fli_buf_destroy(&text);
	if (!is_put)
		return NULL;
	return ok ? "ok" : "{error, put_chars}";
}

/* ---- requests -------------------------------------------------------------------------------- */

static bool is_one_of(fl_term request, const char *const *names)
{
	fl_term head;
	fl_atom name;

	if (!fl_tuple_get(request, 0, &head) || !fl_match(head, "~", &name))
		return false;
	for (; *names != NULL; names++)
		if (fl_atom_is(name, *names))
			return true;
	return false;
}

/* As OTP's `user` of a node whose input is at its end. */
static bool is_read(fl_term request)
{
	static const char *const names[] = {"get_line", "get_chars", "get_until", NULL};

	return is_one_of(request, names);
}

/* What a terminal has, and this is none. */
static bool is_unsupported(fl_term request)
{
	return fl_match(request, "{get_geometry, columns}") ||
	       fl_match(request, "{get_geometry, rows}") || fl_match(request, "{get_password, _}");
}

static bool set_option(user_state *user, fl_term option)
{
	fl_atom encoding;

	if (fl_match(option, "binary") || fl_match(option, "list"))
		user->is_binary = fl_match(option, "binary");
	else if (fl_match(option, "{encoding, ~}", &encoding) &&
		 (fl_atom_is(encoding, "latin1") || fl_atom_is(encoding, "unicode") ||
			 fl_atom_is(encoding, "utf8")))
		user->is_latin1 = fl_atom_is(encoding, "latin1");
	else
		return fl_match(option, "{binary, ~}", &user->is_binary);
	return true;
}

/* All of them or none, as OTP. */
static const char *set_options(user_state *user, fl_term options)
{
	bool was_binary = user->is_binary, was_latin1 = user->is_latin1;
	fl_term option;

	if (fl_term_kind(options) != FL_LIST && fl_term_kind(options) != FL_NIL)
		return "{error, request}";
	while (fl_list_next(&options, &option))
		if (!set_option(user, option)) {
			user->is_binary = was_binary;
			user->is_latin1 = was_latin1;
			return "{error, enotsup}";
		}
	return "ok";
}

static const char *get_options(const user_state *user)
{
	static const char *const texts[2][2] = {
		{"[{binary, false}, {encoding, unicode}]", "[{binary, false}, {encoding, latin1}]"},
		{"[{binary, true}, {encoding, unicode}]", "[{binary, true}, {encoding, latin1}]"}};

	return texts[user->is_binary][user->is_latin1];
}

/* The reply to one request that holds no others, in Erlang's notation. */
static const char *answer_one(fl_proc *self, user_state *user, fl_term request)
{
	const char *reply = put_chars(self, user, request);
	fl_term options;

	if (reply != NULL)
		return reply;
	if (fl_match(request, "getopts"))
		return get_options(user);
	if (fl_match(request, "{setopts, ~}", &options))
		return set_options(user, options);
	if (is_read(request))
		return "eof";
	return is_unsupported(request) ? "{error, enotsup}" : "{error, request}";
}

/* {requests, L}: in order, to the first error; the last reply counts. */
static const char *answer(fl_proc *self, user_state *user, fl_term request)
{
	fl_term stack[REQUESTS_DEPTH_MAX], inner, one;
	const char *reply = "ok";
	size_t depth = 0;

	if (!fl_match(request, "{requests, ~}", &stack[0]))
		return answer_one(self, user, request);
	depth = 1;
	while (depth > 0) {
		if (!fl_list_next(&stack[depth - 1], &one)) {
			depth--;
			continue;
		}
		if (fl_match(one, "{requests, ~}", &inner)) {
			if (depth == REQUESTS_DEPTH_MAX)
				return "{error, request}";
			stack[depth++] = inner;
			continue;
		}
		reply = answer_one(self, user, one);
		if (strncmp(reply, "{error", 6) == 0)
			return reply;
	}
	return reply;
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	user_state *user = state;
	fl_term reply_as, request;
	fl_buf reply = FL_BUF_INIT;
	fl_pid from;

	if (!fl_match(message, "{io_request, ~, ~, ~}", &from, &reply_as, &request))
		return FL_OK;
	if (fl_build_values(&reply, answer(self, user, request), NULL, 0) == FL_OK)
		(void)fl_send(self, from, "{io_reply, ~, ~}", reply_as, fl_buf_term(&reply));
	fl_buf_free(&reply);
	if (user->size > 0)
		fl_next_timeout(self, FLI_USER_IDLE_MS);
	return FL_OK;
}

static int on_timeout(fl_proc *self, void *state)
{
	flush(self, state);
	return FL_OK;
}

static void on_terminate(fl_proc *self, void *state, fl_term reason)
{
	(void)reason; /* what was written is shown in any case */
	flush(self, state);
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	(void)self; /* the io protocol has no calls; a stray one must not end the server */
	(void)state;
	(void)request;
	return fl_reply(from, "{error, request}");
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	(void)self; /* nothing asks for one */
	(void)state;
	(void)message;
	return FL_OK;
}

const fl_behaviour fli_user_io = {
	.name = "user",
	.state_size = sizeof(user_state),
	.call = on_call,
	.cast = on_cast,
	.info = on_info,
	.timeout = on_timeout,
	.terminate = on_terminate,
};
