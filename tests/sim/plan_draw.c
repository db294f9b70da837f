/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/plan.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sim/draw.h"
#include "tests/sim/rows.h"

#define MS UINT64_C(1000)

enum { ROWS_MAX = 128, ACTS_OF_TEN = 7 };

/* Each part of a plan has its own source: a new setting changes no step. */
enum { PART_SETTINGS = 1, PART_WEIGHTS, PART_STEPS };

/* ---- settings -------------------------------------------------------------------------------- */

static plan_settings draw_settings(uint64_t seed, unsigned hosts)
{
	static const uint64_t windows[] = {1 << 20, 1 << 16, 4096, 300};
	static const uint64_t payloads[] = {64, 2000, 70000, 400000};
	static const uint64_t releases[] = {25, 27, 29};
	draw d = draw_part(seed, PART_SETTINGS);
	plan_settings s = {.seed = seed};

	s.hosts = draw_between(&d, 2, 6);
	if (hosts != 0)
		s.hosts = hosts;
	s.tick_ms = draw_between(&d, 1, 15) * 4000;
	s.epmd = draw_below(&d, 2);
	s.is_joined = draw_below(&d, 2);
	s.delay_us = draw_scaled(&d, 50000);
	s.jitter_us = draw_scaled(&d, 20000);
	s.window = windows[draw_below(&d, 4)];
	s.out_soft = draw_one_in(&d, 2) ? 0 : draw_scaled(&d, 1 << 16);
	s.payload_max = payloads[draw_below(&d, 4)];
	/* a window a round trip: what is large must not take hours */
	if (s.payload_max > s.window * 64)
		s.payload_max = s.window * 64;
	s.mortals = draw_below(&d, 4);
	s.otp = draw_one_in(&d, 2) ? 0 : releases[draw_below(&d, 3)];
	s.pop = draw_below(&d, 3);
	/* versions 6 and 7 were of few releases each */
	if (s.otp != 0 && draw_one_in(&d, 4))
		s.otp_vsn = draw_between(&d, 5, 7);
	s.judges_global = 1;
	return s;
}

/* ---- weights --------------------------------------------------------------------------------- */

typedef struct lots {
	unsigned weight[ROWS_MAX];
	unsigned faults, acts; /* sums */
} lots;

static unsigned draw_weight(draw *d, const row *r, unsigned off_one_in)
{
	bool is_off = draw_one_in(d, off_one_in);
	unsigned factor = (unsigned)draw_scaled(d, 8);

	return is_off ? 0 : r->weight * factor;
}

static lots draw_lots(uint64_t seed)
{
	draw d = draw_part(seed, PART_WEIGHTS);
	lots l = {.faults = 0};

	for (size_t i = 0; i < fault_rows_count; i++)
		l.faults += l.weight[i] = draw_weight(&d, row_at(i), 2);
	for (size_t i = fault_rows_count; i < rows_count(); i++)
		l.acts += l.weight[i] = draw_weight(&d, row_at(i), 5);
	return l;
}

static unsigned pick(draw *d, const lots *l)
{
	bool is_act = l->faults == 0 || (l->acts > 0 && draw_below(d, 10) < ACTS_OF_TEN);
	size_t i = is_act ? fault_rows_count : 0;
	uint64_t at = draw_below(d, is_act ? l->acts : l->faults);

	while (at >= l->weight[i])
		at -= l->weight[i++];
	return (unsigned)i;
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* Many things at once now and then, and sometimes long enough for a silent peer to be given up. */
static uint64_t draw_gap(draw *d, uint64_t tick_ms)
{
	switch (draw_below(d, 8)) {
	case 0: return 0;
	case 1: return draw_scaled(d, tick_ms * MS * 2);
	case 2: return draw_scaled(d, 10000 * MS);
	default: return draw_scaled(d, 200 * MS);
	}
}

bool plan_draw(plan *p, uint64_t seed, size_t steps, unsigned hosts)
{
	draw d = draw_part(seed, PART_STEPS);
	lots l = draw_lots(seed);
	uint64_t now = 0;

	p->settings = draw_settings(seed, hosts);
	p->count = steps;
	p->steps = calloc(steps + 1, sizeof *p->steps);
	for (size_t i = 0; p->steps != NULL && i < steps; i++) {
		plan_step *s = &p->steps[i];

		now += draw_gap(&d, p->settings.tick_ms);
		s->at_us = now;
		s->row = pick(&d, &l);
		s->a = (unsigned)draw_below(&d, p->settings.hosts);
		s->b = (unsigned)(s->a + draw_between(&d, 1, p->settings.hosts - 1)) %
		       (unsigned)p->settings.hosts;
		s->x = draw_u64(&d);
		s->lasts_us = draw_scaled(&d, p->settings.tick_ms * MS * 3);
	}
	return p->steps != NULL;
}

size_t row_find(const char *name)
{
	size_t i = 0;

	while (i < rows_count() && strcmp(row_at(i)->name, name) != 0)
		i++;
	return i;
}
