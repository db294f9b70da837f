/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows, and what a reader takes while several of them are being inserted as one.
 *
 * - The writer links the rows of a batch one by one. A reader that meets one asks the batch: not
 *   committed, it takes what the key had before; committed, the row, or the one that came after it
 *   in the same list.
 * - One store commits all. Later the writer takes the batch off its rows.
 */
#include "node/table_row.h"

#include "node/term/place.h"

bool fli_object_of(fl_term term, uint32_t keypos, fli_object *ret_object)
{
	fl_term key;

	if (term.rest != 0 || term.size > UINT32_MAX || fl_term_kind(term) != FL_TUPLE ||
		!fl_tuple_get(term, keypos - 1, &key))
		return false;
	*ret_object = (fli_object){.term = term, .key = key};
	return true;
}

void fli_row_write(fli_row *row, const fli_object *object)
{
	row->block.next = NULL;
	atomic_init(&row->entry, NULL);
	row->hash = object->hash;
	row->older = NULL;
	row->size = (uint32_t)object->term.size;
	row->key_at = (uint32_t)(object->key.data - object->term.data);
	row->key_size = (uint32_t)object->key.size;
	memcpy(row->bytes, object->term.data, object->term.size);
}

fli_batch_entry fli_row_gone;

const fli_row *fli_row_in_batch(const fli_row *row, const fli_batch_entry *entry)
{
	if (entry == FLI_ROW_GONE)
		return NULL;
	if (!atomic_load(&entry->batch->is_committed))
		return entry->before;
	while (entry != NULL && entry->instead != NULL) {
		row = entry->instead;
		entry = atomic_load(&row->entry);
	}
	return row;
}
