/* SPDX-License-Identifier: Apache-2.0 */
/* Circuit breaker, bulkhead, rate limiter and retries: arithmetic on what their users give. */
#include "flitch/resilience.h"

#include "node/sched.h"

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

static uint32_t or_default(uint32_t value, uint32_t by_default)
{
	return value == 0 ? by_default : value;
}

/* ---- circuit breaker --------------------------------------------------------------------------
 */

static uint32_t open_ms(const fl_breaker *b)
{
	return or_default(b->open_ms, 30000);
}

static uint32_t probes(const fl_breaker *b)
{
	return or_default(b->probes, 1);
}

static uint32_t failures_max(const fl_breaker *b)
{
	return b->failures_max < FL_BREAKER_FAILURES_MAX ? b->failures_max
							 : FL_BREAKER_FAILURES_MAX - 1;
}

static void turn(fl_breaker *b, fl_breaker_state state, uint64_t now_ms)
{
	b->state = state;
	b->since_ms = now_ms;
	b->asked = b->succeeded = 0;
	b->failures_count = 0;
	if (state == FL_BREAKER_OPEN)
		b->opened++;
}

bool fl_breaker_ask(fl_breaker *b, uint64_t now_ms)
{
	if (b->state != FL_BREAKER_CLOSED && now_ms - b->since_ms >= open_ms(b))
		turn(b, FL_BREAKER_HALF_OPEN, now_ms);
	if (b->state == FL_BREAKER_OPEN ||
		(b->state == FL_BREAKER_HALF_OPEN && b->asked >= probes(b))) {
		b->refused++;
		return false;
	}
	b->asked++;
	b->passed++;
	return true;
}

/* Those of the window, this one included; older ones are forgotten. */
static uint32_t count_failure(fl_breaker *b, uint64_t now_ms)
{
	uint32_t window_ms = or_default(b->window_ms, 10000);

	while (b->failures_count > 0 &&
		(b->failures_count == FL_BREAKER_FAILURES_MAX ||
			now_ms - b->failures_ms[b->failures_first] > window_ms)) {
		b->failures_first = (b->failures_first + 1) % FL_BREAKER_FAILURES_MAX;
		b->failures_count--;
	}
	b->failures_ms[(b->failures_first + b->failures_count) % FL_BREAKER_FAILURES_MAX] = now_ms;
	return ++b->failures_count;
}

void fl_breaker_tell(fl_breaker *b, uint64_t now_ms, bool is_good)
{
	switch (b->state) {
	case FL_BREAKER_CLOSED:
		if (!is_good && count_failure(b, now_ms) > failures_max(b))
			turn(b, FL_BREAKER_OPEN, now_ms);
		break;
	case FL_BREAKER_HALF_OPEN:
		if (!is_good)
			turn(b, FL_BREAKER_OPEN, now_ms);
		else if (++b->succeeded >= probes(b))
			turn(b, FL_BREAKER_CLOSED, now_ms);
		break;
	case FL_BREAKER_OPEN: break; /* let pass before it opened */
	}
}

void fl_breaker_reset(fl_breaker *b, uint64_t now_ms)
{
	turn(b, FL_BREAKER_CLOSED, now_ms);
}

int fl_breaker_build(const fl_breaker *b, uint64_t now_ms, fl_buf *ret_map)
{
	static const char *const names[] = {"closed", "open", "half_open"};

	return fl_build(ret_map,
		"#{state => ~, for_ms => ~, failures => ~, failures_max => ~, passed => ~, "
		"refused => ~, opened => ~}",
		fl_atom_of(names[b->state]), now_ms - b->since_ms, b->failures_count,
		failures_max(b), b->passed, b->refused, b->opened);
}

/* ---- bulkhead ---------------------------------------------------------------------------------
 */

static void run_one(fl_bulkhead *b)
{
	b->running++;
	b->entered++;
	if (b->running > b->running_peak)
		b->running_peak = b->running;
}

fl_bulkhead_answer fl_bulkhead_enter(fl_bulkhead *b)
{
	if (b->running < or_default(b->running_max, 1)) {
		run_one(b);
		return FL_BULKHEAD_GO;
	}
	if (b->waiting < b->waiting_max) {
		b->waiting++;
		return FL_BULKHEAD_WAIT;
	}
	b->refused++;
	return FL_BULKHEAD_FULL;
}

bool fl_bulkhead_leave(fl_bulkhead *b)
{
	if (b->running > 0)
		b->running--;
	if (b->waiting == 0 || b->running >= or_default(b->running_max, 1))
		return false;
	b->waiting--;
	run_one(b);
	return true;
}

void fl_bulkhead_give_up(fl_bulkhead *b)
{
	if (b->waiting > 0)
		b->waiting--;
}

int fl_bulkhead_build(const fl_bulkhead *b, fl_buf *ret_map)
{
	return fl_build(ret_map,
		"#{running => ~, running_max => ~, running_peak => ~, waiting => ~, "
		"waiting_max => ~, entered => ~, refused => ~}",
		b->running, or_default(b->running_max, 1), b->running_peak, b->waiting,
		b->waiting_max, b->entered, b->refused);
}

/* ---- rate limiter -----------------------------------------------------------------------------
 */

static uint64_t interval_ns(const fl_rate *r)
{
	uint32_t per_second = or_default(r->per_second, 1);

	return per_second >= NS_PER_S ? 1 : NS_PER_S / per_second;
}

static uint32_t burst(const fl_rate *r)
{
	return or_default(r->burst, or_default(r->per_second, 1));
}

/* Up to when the burst has been used; not before now. */
static uint64_t used_to_ns(const fl_rate *r, uint64_t now_ns)
{
	return r->full_at_ns > now_ns ? r->full_at_ns : now_ns;
}

uint64_t fl_rate_take(fl_rate *r, uint64_t now_ms, uint32_t count)
{
	uint64_t now_ns = now_ms * NS_PER_MS, interval = interval_ns(r);
	uint64_t after_ns = used_to_ns(r, now_ns) + count * interval;
	uint64_t room_ns = burst(r) * interval;

	if (after_ns - now_ns <= room_ns) {
		r->full_at_ns = after_ns;
		r->taken += count;
		return 0;
	}
	r->refused += count;
	if (count > burst(r))
		return UINT64_MAX;
	return (after_ns - now_ns - room_ns + NS_PER_MS - 1) / NS_PER_MS;
}

uint32_t fl_rate_left(const fl_rate *r, uint64_t now_ms)
{
	uint64_t now_ns = now_ms * NS_PER_MS, room_ns = burst(r) * interval_ns(r);
	uint64_t used_ns = used_to_ns(r, now_ns) - now_ns;

	return used_ns >= room_ns ? 0 : (uint32_t)((room_ns - used_ns) / interval_ns(r));
}

int fl_rate_build(const fl_rate *r, uint64_t now_ms, fl_buf *ret_map)
{
	return fl_build(ret_map,
		"#{per_second => ~, burst => ~, left => ~, taken => ~, refused => ~}",
		or_default(r->per_second, 1), burst(r), fl_rate_left(r, now_ms), r->taken,
		r->refused);
}

/* ---- retry ------------------------------------------------------------------------------------
 */

/* From `low` to `high`, both included; the seed goes on (splitmix64). */
static uint32_t draw(uint64_t *seed, uint32_t low, uint32_t high)
{
	uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	x ^= x >> 31;
	return low + (uint32_t)((x >> 32) * ((uint64_t)high - low + 1) >> 32);
}

static uint32_t exponential(const fl_retry *r, uint32_t base_ms, uint32_t max_ms)
{
	uint64_t delay = (uint64_t)base_ms << (r->attempts - 1 < 32 ? r->attempts - 1 : 32);

	return delay < max_ms ? (uint32_t)delay : max_ms;
}

static uint32_t decorrelated(fl_retry *r, uint32_t base_ms, uint32_t max_ms)
{
	uint64_t high = (uint64_t)or_default(r->last_ms, base_ms) * 3;
	uint32_t top = high < max_ms ? (uint32_t)high : max_ms;

	return top <= base_ms ? top : draw(&r->seed, base_ms, top);
}

bool fl_retry_next(fl_retry *r, uint32_t *ret_delay_ms)
{
	uint32_t base_ms = or_default(r->base_ms, 100), max_ms = or_default(r->max_ms, 30000);
	uint32_t delay_ms;

	if (r->attempts + 1 >= or_default(r->attempts_max, 3))
		return false;
	r->attempts++;
	delay_ms = exponential(r, base_ms, max_ms);
	switch (r->jitter) {
	case FL_JITTER_FULL: delay_ms = draw(&r->seed, 0, delay_ms); break;
	case FL_JITTER_EQUAL: delay_ms = draw(&r->seed, delay_ms / 2, delay_ms); break;
	case FL_JITTER_DECORRELATED: delay_ms = decorrelated(r, base_ms, max_ms); break;
	case FL_JITTER_NONE: break;
	}
	*ret_delay_ms = r->last_ms = delay_ms;
	return true;
}

void fl_retry_reset(fl_retry *r)
{
	r->attempts = 0;
	r->last_ms = 0;
}

uint64_t fl_retry_seed(fl_proc *self)
{
	fl_node *node = fl_self_node(self);
	uint64_t seed;

	fli_enter(node); /* a simulated node draws in its order */
	node->port->random(node->port, &seed, sizeof seed);
	fli_leave(node);
	return seed;
}

int fl_retry_build(const fl_retry *r, fl_buf *ret_map)
{
	return fl_build(ret_map, "#{attempts => ~, attempts_max => ~, last_ms => ~}", r->attempts,
		or_default(r->attempts_max, 3), r->last_ms);
}
