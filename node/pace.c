/* SPDX-License-Identifier: Apache-2.0 */
#include "node/pace.h"

#define EPOCH_NS                                                                                   \
	4000000        /* some hundred messages of a busy VM, and shorter than a person notices    \
			*/
#define PROBE_EVERY 16 /* epochs: a probe that fails costs a sixteenth of its loss */
#define GAP_EPOCHS 4   /* one that took so long was not busy, and says nothing */
#define CLEAR_PART 16  /* of the rate, by which the other way has to be better */

static void end_probe(fli_pace *pace, uint64_t rate)
{
	pace->is_probe = false;
	pace->epochs = 0;
	if (rate > pace->rate + pace->rate / CLEAR_PART)
		pace->rate = rate;
	else
		pace->is_on = !pace->is_on;
}

static void end_epoch(fli_pace *pace, uint64_t rate)
{
	if (pace->is_probe) {
		end_probe(pace, rate);
		return;
	}
	pace->rate = pace->rate == 0 ? rate : (pace->rate * 3 + rate) / 4;
	if (++pace->epochs < PROBE_EVERY)
		return;
	pace->is_probe = true;
	pace->is_on = !pace->is_on;
}

bool fli_pace_step(fli_pace *pace, uint64_t now_ns, uint64_t handled)
{
	uint64_t elapsed = now_ns - pace->since_ns;

	if (elapsed < EPOCH_NS)
		return pace->is_on;
	if (elapsed < GAP_EPOCHS * (uint64_t)EPOCH_NS) {
		end_epoch(pace, (handled - pace->handled) * 1000000000 / elapsed);
	} else if (pace->is_probe) {
		pace->is_probe = false; /* a probe that was cut short is taken back */
		pace->is_on = !pace->is_on;
	}
	pace->since_ns = now_ns;
	pace->handled = handled;
	return pace->is_on;
}
