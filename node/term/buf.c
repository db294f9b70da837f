/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fl_buf, the buffer that users see: fl_build through an fli_buf that borrows its memory, and
 * sequences of a length that is not known in advance.
 *
 * An open sequence is a head with a count of 0. What is appended meanwhile is counted, and closing
 * puts the count in; a list gets its tail, and one without elements becomes `[]`.
 */

#include "node/base/mem.h"
#include "node/term/step.h"
#include "node/term/tag.h"
#include "node/term/walk.h"
#include "node/term/write.h"

#define DEPTH_MAX (sizeof((fl_buf *)0)->counts / sizeof *((fl_buf *)0)->counts)
#define HEAD_SIZE 5

static fli_buf inner_of(const fl_buf *buf)
{
	return (fli_buf){.data = buf->data,
		.size = buf->size,
		.capacity = buf->capacity,
		.mem = fli_mem_libc()};
}

static void take_back(fl_buf *buf, const fli_buf *inner)
{
	buf->data = inner->data;
	buf->size = inner->size;
	buf->capacity = inner->capacity;
}

static void count_one(fl_buf *buf)
{
	if (buf->depth != 0 && ++buf->counts[buf->depth - 1] == 0)
		buf->error = FL_ELIMIT;
}

void fl_buf_free(fl_buf *buf)
{
	fli_free(fli_mem_libc(), buf->data);
	*buf = (fl_buf)FL_BUF_INIT;
}

void fl_buf_reset(fl_buf *buf)
{
	buf->size = 0;
	buf->error = FL_OK;
	buf->depth = 0;
}

fl_term fl_buf_term(const fl_buf *buf)
{
	size_t size = 0;

	if (buf->error == FL_OK && buf->depth == 0)
		size = fli_term_size(buf->data, buf->size);
	return (fl_term){.data = size == 0 ? NULL : buf->data, .size = size};
}

int fl_build_values(fl_buf *buf, const char *pattern, const fl_value *values, size_t count)
{
	fli_buf inner = inner_of(buf);

	if (buf->error != FL_OK)
		return buf->error;
	buf->error = fli_build_values(&inner, pattern, values, count);
	take_back(buf, &inner);
	if (buf->error == FL_OK)
		count_one(buf);
	return buf->error;
}

static void open_sequence(fl_buf *buf, uint8_t tag)
{
	fli_buf inner = inner_of(buf);
	uint8_t *p;

	if (buf->error != FL_OK)
		return;
	if (buf->depth == DEPTH_MAX || buf->size > UINT32_MAX) {
		buf->error = FL_ELIMIT;
		return;
	}
	p = fli_buf_extend(&inner, HEAD_SIZE);
	if (p == NULL) {
		buf->error = FL_ENOMEM;
		return;
	}
	p[0] = tag;
	fli_put32(p + 1, 0);
	count_one(buf);
	buf->opened[buf->depth] = (uint32_t)buf->size;
	buf->counts[buf->depth++] = 0;
	take_back(buf, &inner);
}

/* Ends the innermost sequence: returns its head and how many terms are in it, NULL on misuse. */
static uint8_t *close_sequence(fl_buf *buf, uint8_t tag, uint32_t *ret_count)
{
	uint8_t *head;

	if (buf->error != FL_OK)
		return NULL;
	head = buf->depth == 0 ? NULL : buf->data + buf->opened[buf->depth - 1];
	if (head == NULL || head[0] != tag) {
		buf->error = FL_EMISUSE;
		return NULL;
	}
	*ret_count = buf->counts[--buf->depth];
	return head;
}

void fl_list_open(fl_buf *buf)
{
	open_sequence(buf, FLI_LIST_EXT);
}

void fl_list_close(fl_buf *buf)
{
	uint32_t count;
	uint8_t *head = close_sequence(buf, FLI_LIST_EXT, &count);
	fli_buf inner;

	if (head == NULL)
		return;
	fli_put32(head + 1, count);
	if (count == 0)
		buf->size -= HEAD_SIZE;
	inner = inner_of(buf);
	fli_write_nil(&inner);
	take_back(buf, &inner);
	if (inner.failed)
		buf->error = FL_ENOMEM;
}

void fl_map_open(fl_buf *buf)
{
	open_sequence(buf, FLI_MAP_EXT);
}

void fl_map_close(fl_buf *buf)
{
	uint32_t count;
	uint8_t *head = close_sequence(buf, FLI_MAP_EXT, &count);

	if (head == NULL)
		return;
	fli_put32(head + 1, count / 2);
	if (count % 2 != 0)
		buf->error = FL_EMISUSE;
}

void fl_tuple_open(fl_buf *buf)
{
	open_sequence(buf, FLI_LARGE_TUPLE_EXT);
}

void fl_tuple_close(fl_buf *buf)
{
	uint32_t count;
	uint8_t *head = close_sequence(buf, FLI_LARGE_TUPLE_EXT, &count);

	if (head == NULL)
		return;
	fli_put32(head + 1, count);
	if (count > FLI_TUPLE_ARITY_MAX)
		buf->error = FL_ELIMIT;
	if (count > UINT8_MAX)
		return;
	/* The small head is 3 bytes shorter, and what every encoder writes for so few. */
	head[0] = FLI_SMALL_TUPLE_EXT;
	head[1] = (uint8_t)count;
	memmove(head + 2, head + HEAD_SIZE, (size_t)(buf->data + buf->size - head) - HEAD_SIZE);
	buf->size -= HEAD_SIZE - 2;
}

fl_term fl_copy(fl_term term)
{
	fli_buf copy = {.mem = fli_mem_libc()};

	if (!fli_buf_grow(&copy, term.size + HEAD_SIZE))
		return (fl_term){.atoms = term.atoms};
	fli_write_term(&copy, term);
	return (fl_term){.data = copy.data, .size = copy.size, .atoms = term.atoms};
}

void fl_term_free(fl_term term)
{
	fli_free(fli_mem_libc(), (void *)(uintptr_t)term.data);
}

int fl_build_encoded(fl_buf *buf, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;
	fli_buf inner = inner_of(buf);
	fli_walked walked;
	uint8_t *place;

	if (buf->error != FL_OK)
		return buf->error;
	if (size > 0 && *at == FLI_VERSION) {
		at++;
		size--;
	}
	if (!fli_walk(at, size, NULL, &walked) || walked.size != size)
		return buf->error = FL_EFORMAT;
	place = fli_buf_extend(&inner, walked.expanded_size);
	if (place == NULL)
		return buf->error = FL_ENOMEM;
	fli_expand(at, &walked, NULL, place);
	take_back(buf, &inner);
	count_one(buf);
	return FL_OK;
}
