/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_SIM_DICE_H
#define FLI_SIM_DICE_H

/*
 * Random numbers that come again with the same seed (SplitMix64). Each node, each link and the
 * world have dice of their own, so that one more draw of one of them changes none of the others.
 *
 * Threads: one. Memory: the caller's storage. Errors: none.
 */

#include <stddef.h>
#include <stdint.h>

typedef struct fli_dice {
	uint64_t state;
} fli_dice;

static inline uint64_t fli_dice_next(fli_dice *dice)
{
	uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* `salt` and `more` tell the dice of one seed apart. */
static inline fli_dice fli_dice_of(uint64_t seed, uint64_t salt, uint64_t more)
{
	fli_dice dice = {seed};

	dice.state = fli_dice_next(&dice) ^ salt;
	dice.state = fli_dice_next(&dice) ^ more;
	return dice;
}

/* 0 to below - 1; 0 for 0. */
static inline uint64_t fli_dice_below(fli_dice *dice, uint64_t below)
{
	return below == 0 ? 0 : fli_dice_next(dice) % below;
}

static inline void fli_dice_fill(fli_dice *dice, void *ret_bytes, size_t size)
{
	uint8_t *bytes = ret_bytes;
	uint64_t word = 0;

	for (size_t i = 0; i < size; i++) {
		if (i % 8 == 0)
			word = fli_dice_next(dice);
		bytes[i] = (uint8_t)(word >> i % 8 * 8);
	}
}

#endif
