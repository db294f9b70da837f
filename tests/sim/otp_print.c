/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical terms as text, for people and for comparing in tests. Pids are <node.id.serial>,
 * references #node.words; what has no short form is its tag and size.
 */
#include "tests/sim/otp_term.h"

#include <stdio.h>
#include <string.h>

struct out {
	char *text;
	size_t size;
	size_t used;
};

static void add(struct out *o, const char *text)
{
	size_t left = o->size - o->used;
	int wrote = left > 1 ? snprintf(o->text + o->used, left, "%s", text) : 0;

	o->used += (size_t)wrote < left ? (size_t)wrote : left - (left > 0);
}

static void print_identifier(struct out *o, otp_term term)
{
	otp_atom node = {""};
	char text[OTP_ATOM_MAX + 80];
	otp_pid pid;
	size_t at = 0;

	(void)otp_node_of(term, &node);
	if (otp_pid_parts(term, &pid)) {
		(void)snprintf(text, sizeof text, "<%s.%u.%u.%u>", node.text, pid.id, pid.serial,
			pid.creation);
		add(o, text);
		return;
	}
	at = (size_t)snprintf(text, sizeof text, "#%s", node.text);
	for (size_t i = term.size - 4 * otp_get_int(term.data + 1, 2);
		term.data[0] == 90 && i < term.size && at + 12 < sizeof text; i += 4)
		at += (size_t)snprintf(text + at, sizeof text - at, ".%u",
			(unsigned)otp_get_int(term.data + i, 4));
	add(o, text);
}

static void print(struct out *o, otp_term term, unsigned depth);

static void print_all(struct out *o, otp_term term, unsigned depth)
{
	bool is_list = term.data[0] == 108;
	otp_term item, rest = term;

	add(o, is_list ? "[" : "{");
	for (unsigned i = 0; is_list ? otp_next(&rest, &item) : i < otp_arity(term); i++) {
		if (!is_list)
			item = otp_element(term, i);
		if (i > 0)
			add(o, ",");
		print(o, item, depth + 1);
	}
	if (is_list && !(rest.size == 1 && rest.data[0] == 106)) {
		add(o, "|");
		print(o, rest, depth + 1);
	}
	add(o, is_list ? "]" : "}");
}

static void print(struct out *o, otp_term term, unsigned depth)
{
	char text[64];
	otp_atom atom;
	int64_t number;

	if (term.data == NULL || depth > 50) {
		add(o, "...");
	} else if (otp_get_atom(term, &atom)) {
		add(o, atom.text);
	} else if (otp_get_int64(term, &number)) {
		(void)snprintf(text, sizeof text, "%lld", (long long)number);
		add(o, text);
	} else if (term.data[0] == 106) {
		add(o, "[]");
	} else if (term.data[0] == 108 || otp_arity(term) > 0) {
		print_all(o, term, depth);
	} else if (otp_is_pid(term) || otp_is_ref(term)) {
		print_identifier(o, term);
	} else {
		(void)snprintf(text, sizeof text, "%%%u:%zu", term.data[0], term.size);
		add(o, text);
	}
}

void otp_print(otp_term term, char *ret_text, size_t size)
{
	struct out o = {ret_text, size, 0};

	if (size > 0)
		ret_text[0] = '\0';
	print(&o, term, 0);
}
