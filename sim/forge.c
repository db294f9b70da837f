/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte by byte where a length or a tag is awaited, in one stroke through bodies.
 */
#include "sim/forge.h"

#include "sim/store.h"

typedef struct order {
	fli_link link;
	fl_sim_forgery how;
	size_t size;
	uint8_t bytes[];
} order;

void fli_forge_create(fli_forge *forge)
{
	*forge = (fli_forge){.is_proven = false};
	fli_list_create(&forge->orders);
}

void fli_forge_destroy(fli_forge *forge)
{
	fli_link *link;

	while ((link = fli_list_pop(&forge->orders)) != NULL)
		fli_store_free(fli_container_of(link, order, link));
}

void fli_forge_order(fli_forge *forge, fl_sim_forgery how, const void *bytes, size_t size)
{
	order *o = fli_store_zalloc(sizeof *o + size);

	o->how = how;
	o->size = size;
	if (size > 0)
		memcpy(o->bytes, bytes, size);
	fli_list_append(&forge->orders, &o->link);
}

/* The first order, when it is of that kind; it is taken. */
static order *take(fli_forge *forge, fl_sim_forgery how)
{
	order *o;

	if (fli_list_is_empty(&forge->orders))
		return NULL;
	o = fli_container_of(forge->orders.next, order, link);
	if (o->how != how)
		return NULL;
	fli_list_remove(&o->link);
	return o;
}

void fli_forge_between(fli_forge *forge, fli_buf *out)
{
	order *o;

	while ((o = take(forge, FL_SIM_FORGE_ADD)) != NULL) {
		fli_buf_add(out, o->bytes, o->size);
		fli_store_free(o);
	}
}

static uint32_t length_of(const fli_forge *forge)
{
	return forge->is_proven ? fli_get32(forge->head) : fli_get16(forge->head);
}

/* A whole message or frame has passed. */
static void passed(fli_forge *forge)
{
	if (!forge->is_proven && forge->has_tag && (forge->tag == 'r' || forge->tag == 'a'))
		forge->is_proven = true;
	forge->head_size = 0;
	forge->has_tag = forge->drops = forge->flips = false;
}

/* The length is known. */
static void headed(fli_forge *forge, fli_dice *dice, fli_buf *out)
{
	order *o;

	forge->left = length_of(forge);
	if (out != NULL && forge->is_proven) {
		fli_forge_between(forge, out);
		o = take(forge, FL_SIM_FORGE_REPLACE);
		if (o != NULL) {
			forge->drops = true;
			fli_buf_add(out, o->bytes, o->size);
			fli_store_free(o);
		} else if (forge->left > 0 && (o = take(forge, FL_SIM_FORGE_FLIP)) != NULL) {
			forge->flips = true;
			forge->flip_at = (uint32_t)fli_dice_below(dice, forge->left) + 1;
			fli_store_free(o);
		}
	}
	if (out != NULL && !forge->drops)
		fli_buf_add(out, forge->head, forge->head_size);
	if (forge->left == 0)
		passed(forge);
}

/* Part of a body. */
static void pass_body(fli_forge *forge, fli_dice *dice, fli_forge_bytes part, fli_buf *out)
{
	if (!forge->has_tag) {
		forge->tag = part.bytes[0];
		forge->has_tag = true;
	}
	if (out != NULL && !forge->drops)
		fli_buf_add(out, part.bytes, part.size);
	if (out != NULL && forge->flips && forge->flip_at <= forge->left &&
		forge->flip_at > forge->left - part.size)
		out->data[out->size - 1 - (forge->flip_at - 1 - (forge->left - part.size))] ^=
			(uint8_t)(1U << fli_dice_below(dice, 8));
	forge->left -= (uint32_t)part.size;
	if (forge->left == 0)
		passed(forge);
}

void fli_forge_pass(fli_forge *forge, fli_dice *dice, fli_forge_bytes in, fli_buf *out)
{
	while (in.size > 0) {
		unsigned head_max = forge->is_proven ? 4 : 2;
		size_t part = 1;

		if (forge->head_size < head_max) {
			forge->head[forge->head_size++] = in.bytes[0];
			if (forge->head_size == head_max)
				headed(forge, dice, out);
		} else {
			part = in.size < forge->left ? in.size : forge->left;
			pass_body(forge, dice, (fli_forge_bytes){in.bytes, part}, out);
		}
		in.bytes += part;
		in.size -= part;
	}
}
