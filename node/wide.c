/* SPDX-License-Identifier: Apache-2.0 */
#include "node/wide.h"

#include "node/term/item.h"
#include "node/term/tag.h"

enum { BIG_BYTES = 16 };

__extension__ typedef unsigned __int128 magnitude;

bool fli_wide_read(fl_term term, fli_wide *ret_value)
{
	magnitude value = 0;
	fli_cursor c;
	fli_item item;

	fli_item_of_term(term, &c, &item);
	if (item.kind != FL_INTEGER)
		return false;
	if (!item.as.integer.is_big)
		value = item.as.integer.magnitude;
	else if (item.as.integer.size > BIG_BYTES ||
		 item.as.integer.digits[item.as.integer.size - 1] >> 7 >
			 (item.as.integer.size < BIG_BYTES))
		return false;
	else
		for (size_t i = item.as.integer.size; i-- > 0;)
			value = value << 8 | item.as.integer.digits[i];
	*ret_value = item.as.integer.negative ? -(fli_wide)value : (fli_wide)value;
	return true;
}

int fli_wide_write(fl_buf *buf, fli_wide value)
{
	magnitude left = value < 0 ? -(magnitude)value : (magnitude)value;
	uint8_t bytes[3 + BIG_BYTES] = {FLI_SMALL_BIG_EXT, 0, value < 0};
	fl_term term;

	if (value >= INT64_MIN && value <= INT64_MAX)
		return fl_build(buf, "~", (int64_t)value);
	for (; left != 0; left >>= 8)
		bytes[3 + bytes[1]++] = (uint8_t)left;
	term = (fl_term){.data = bytes, .size = 3 + (size_t)bytes[1]};
	return fl_build(buf, "~", term);
}
