/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The term layer as an Erlang port, {packet, 4} on stdio: oracle.erl asks, this answers.
 *
 *     request   <<Op, SizeA:32, A:SizeA/binary, B/binary>>      answer   <<Status, Bytes/binary>>
 *
 *     r  A walked and expanded           c  A against B: 0, 1 or 2 for <, = and >
 *     a  A taken apart and built again   e  A =:= B: 0 or 1
 *     p  A as text                       m  what fl_match captured of A, by C type
 *     q  A as text with creations        i  ok when ei reads the same as fl_*
 *     t  the text A as a term            w  A as text in at most 24 bytes
 *     h  phash2 of A, 32 bits            s  1 when A and B hash alike in a node's tables
 *
 * Status 0 is success; 1 carries a text that says why not. Terms have no version byte.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/term/hash.h"
#include "node/term/print.h"
#include "node/term/walk.h"
#include "tests/interop/terms/termtool.h"

#define REQUEST_SIZE_MAX (64u << 20)

static bool read_all(uint8_t *to, size_t size)
{
	while (size > 0) {
		ssize_t got = read(STDIN_FILENO, to, size);

		if (got <= 0)
			return false;
		to += got;
		size -= (size_t)got;
	}
	return true;
}

static bool write_all(const uint8_t *from, size_t size)
{
	while (size > 0) {
		ssize_t put = write(STDOUT_FILENO, from, size);

		if (put <= 0)
			return false;
		from += put;
		size -= (size_t)put;
	}
	return true;
}

static void answer_error(fli_buf *out, const char *why)
{
	out->size = 0;
	fli_buf_add8(out, 1);
	fli_buf_add_text(out, why);
}

/* Walks and expands wire bytes; the result is the caller's to free. NULL data: refused. */
static fl_term expand(const uint8_t *data, size_t size)
{
	fli_walked walked;
	uint8_t *copy;

	if (!fli_walk(data, size, NULL, &walked) || walked.size != size)
		return (fl_term){.data = NULL};
	copy = malloc(walked.expanded_size);
	if (copy != NULL)
		fli_expand(data, &walked, NULL, copy);
	return (fl_term){.data = copy, .size = walked.expanded_size};
}

static void answer_text(fli_buf *out, uint8_t op, fl_term term)
{
	char cut[24];

	if (op == 'w')
		fli_buf_add_text(out, fl_print_to(cut, sizeof cut, term));
	else if (fli_print(out, term, op == 'q' ? FLI_PRINT_CREATION : 0) != FL_OK)
		answer_error(out, "not printed");
}

static void answer_read(fli_buf *out, const uint8_t *text, size_t size)
{
	fl_buf term = FL_BUF_INIT;
	fl_error err;

	if (fl_read(&term, (const char *)text, size, &err) == FL_OK)
		fli_buf_add(out, term.data, term.size);
	else
		answer_error(out, err.what);
	fl_buf_free(&term);
}

static void answer_built(fli_buf *out, uint8_t op, fl_term term)
{
	fl_buf built = FL_BUF_INIT;

	if (op == 'a' ? tool_rebuild(&built, term) : tool_capture(&built, term))
		fli_buf_add(out, built.data, built.size);
	else
		answer_error(out, "not rebuilt");
	fl_buf_free(&built);
}

static void answer_pair(fli_buf *out, uint8_t op, fl_term a, fl_term b)
{
	int order = op == 'c' ? fl_compare(a, b) : 0;
	uint64_t hashes[2] = {0, 1};

	if (op == 's')
		fli_buf_add8(out, fli_term_hash(1, a, &hashes[0]) &&
					  fli_term_hash(1, b, &hashes[1]) &&
					  hashes[0] == hashes[1]);
	else if (op == 'c')
		fli_buf_add8(out, (uint8_t)(1 + (order > 0) - (order < 0)));
	else
		fli_buf_add8(out, fl_equal(a, b));
}

static void answer_hash(fli_buf *out, fl_term term)
{
	uint32_t hash;

	if (fli_phash2(term, &hash))
		fli_buf_add32(out, hash);
	else
		answer_error(out, "no hash");
}

static void answer_one(fli_buf *out, uint8_t op, fl_term term)
{
	const char *why;

	switch (op) {
	case 'r': fli_buf_add(out, term.data, term.size); break;
	case 'p':
	case 'q':
	case 'w': answer_text(out, op, term); break;
	case 'a':
	case 'm': answer_built(out, op, term); break;
	case 'h': answer_hash(out, term); break;
	case 'i':
		why = tool_compare_ei(term);
		if (why != NULL)
			answer_error(out, why);
		break;
	default: answer_error(out, "unknown request"); break;
	}
}

static void answer(fli_buf *out, const uint8_t *request, size_t size)
{
	uint8_t op = request[0];
	uint32_t a_size = fli_get32(request + 1);
	fl_term a, b = {.data = NULL};
	bool is_pair;

	fli_buf_add8(out, 0);
	if (a_size > size - 5) {
		answer_error(out, "odd request");
		return;
	}
	if (op == 't') {
		answer_read(out, request + 5, a_size);
		return;
	}
	a = expand(request + 5, a_size);
	is_pair = op == 'c' || op == 'e' || op == 's';
	if (is_pair)
		b = expand(request + 5 + a_size, size - 5 - a_size);
	if (a.data == NULL || (is_pair && b.data == NULL))
		answer_error(out, "refused by fli_walk");
	else if (is_pair)
		answer_pair(out, op, a, b);
	else
		answer_one(out, op, a);
	free((void *)(uintptr_t)a.data);
	free((void *)(uintptr_t)b.data);
}

int main(void)
{
	uint8_t head[4], *request;
	bool ok = true;

	while (ok && read_all(head, sizeof head)) {
		uint32_t size = fli_get32(head);
		fli_buf out;

		if (size < 5 || size > REQUEST_SIZE_MAX)
			return 1;
		request = malloc(size);
		if (request == NULL || !read_all(request, size))
			return 1;
		fli_buf_create(&out, fli_mem_libc(), 0);
		answer(&out, request, size);
		fli_put32(head, (uint32_t)out.size);
		ok = !out.failed && write_all(head, sizeof head) && write_all(out.data, out.size);
		fli_buf_destroy(&out);
		free(request);
	}
	return 0;
}
