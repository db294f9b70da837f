/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peers that should be up. See the header for the delays.
 *
 * Departure from OTP, where nobody reconnects by itself: a C node that lost its cluster must find
 * back. Against two nodes that both dial in the same rhythm the jitter helps, against a node that
 * somebody disconnected on purpose the long first delay.
 */

#include "dist/peers.h"
#include "node/base/bug.h"

static void schedule(fli_dist_peer *peer, uint64_t delay_ms)
{
	fli_dist *dist = peer->dist;
	uint32_t random;

	dist->node->port->random(dist->node->port, &random, sizeof random);
	fli_wheel_start(&dist->node->wheel, &peer->want.timer,
		fli_dist_now(dist) + fli_reconcile_jitter(delay_ms, random));
}

uint64_t fli_reconcile_jitter(uint64_t delay_ms, uint32_t random)
{
	return delay_ms - delay_ms / 4 + (delay_ms / 2 * (random & 0xffff) >> 16);
}

static void schedule_next(fli_dist_peer *peer)
{
	fli_want *want = &peer->want;
	uint32_t delay = want->delay_ms == 0 ? FLI_RECONCILE_MIN_MS : want->delay_ms;

	schedule(peer, delay);
	want->delay_ms = delay + delay / 5 * 3;
	if (want->delay_ms > FLI_RECONCILE_MAX_MS)
		want->delay_ms = FLI_RECONCILE_MAX_MS;
}

static void connect_now(fli_dist_peer *peer)
{
	fl_error err = {0};

	if (fli_peers_connect(peer, &err) != FL_OK)
		fli_log_limited(&peer->dist->node->log, fli_dist_now(peer->dist), FLI_WARNING,
			"cannot keep %s connected: %s", peer->name.text, err.what);
}

static void on_probed(void *owner, uint16_t port, const fl_error *err)
{
	fli_dist_peer *peer = owner;
	uint64_t now = fli_dist_now(peer->dist);
	uint64_t due = peer->want.closed_ms + FLI_RECONCILE_MAX_MS;

	(void)err;
	peer->want.probe = NULL;
	peer->want.is_suspended = false;
	if (port == 0)
		schedule_next(peer);
	else
		schedule(peer, due > now ? due - now : 0);
}

/* Whether the node that closed in order is still there. */
static bool probe(fli_dist_peer *peer)
{
	const fli_lookup_start start = {.config = &peer->dist->epmd_config,
		.name = &peer->name,
		.done = on_probed,
		.owner = peer};

	if (peer->dist->config.epmd == FLI_DIST_EPMD_OFF ||
		(peer->known != NULL && peer->known->address != NULL))
		return false;
	return fli_lookup_new(&start, &peer->want.probe) == FL_OK;
}

static void on_timer(fli_timer *timer)
{
	fli_want *want = fli_container_of(timer, fli_want, timer);
	fli_dist_peer *peer = fli_container_of(want, fli_dist_peer, want);

	if (!want->is_wanted || want->is_held || peer->dist->is_leaving)
		return;
	if (!want->is_suspended) {
		connect_now(peer);
		return;
	}
	if (probe(peer))
		return;
	want->is_suspended = false;
	schedule(peer, FLI_RECONCILE_MAX_MS);
}

void fli_reconcile_create(fli_dist_peer *peer)
{
	fli_timer_create(&peer->want.timer, on_timer);
}

static void stop(fli_want *want)
{
	fli_wheel_stop(&want->timer);
	if (want->probe != NULL)
		fli_lookup_cancel(want->probe);
	want->probe = NULL;
}

void fli_reconcile_destroy(fli_dist_peer *peer)
{
	stop(&peer->want);
}

void fli_reconcile_want(fli_dist_peer *peer)
{
	fli_want *want = &peer->want;

	want->is_wanted = true;
	want->is_held = false;
	want->is_suspended = false;
	stop(want);
	if (peer->state == FLI_PEER_IDLE)
		connect_now(peer);
}

void fli_reconcile_unwant(fli_dist_peer *peer)
{
	stop(&peer->want);
	peer->want.is_wanted = false;
}

void fli_reconcile_up(fli_dist_peer *peer)
{
	stop(&peer->want);
	peer->want.is_held = false;
	peer->want.is_suspended = false;
	peer->want.up_ms = fli_dist_now(peer->dist);
	peer->want.told_ms = 0;
}

void fli_reconcile_down(fli_dist_peer *peer, fli_loss loss)
{
	fli_want *want = &peer->want;
	uint64_t now = fli_dist_now(peer->dist);

	if (!want->is_wanted || peer->dist->is_leaving)
		return;
	if (want->up_ms != 0 && now >= want->up_ms + FLI_RECONCILE_STABLE_MS)
		want->delay_ms = 0;
	want->up_ms = 0;
	want->closed_ms = now;
	want->is_held = want->is_held || loss == FLI_LOSS_OURS;
	want->is_suspended = loss == FLI_LOSS_ORDERLY;
	if (want->is_held)
		return;
	if (FLI_BUG(orderly_loss_is_for_ever) && want->is_suspended)
		return;
	if (want->is_suspended)
		schedule(peer, FLI_RECONCILE_MIN_MS);
	else
		schedule_next(peer);
}

void fli_reconcile_failed(fli_dist_peer *peer, const fl_error *err)
{
	fli_want *want = &peer->want;
	uint64_t now = fli_dist_now(peer->dist);

	if (!want->is_wanted || peer->dist->is_leaving)
		return;
	if (want->told_ms != 0 && now < want->told_ms + FLI_RECONCILE_TELL_MS)
		return;
	want->told_ms = now;
	fli_log_limited(&peer->dist->node->log, now, FLI_WARNING,
		"%s is not connected, tried again until it is: %s%s%s%s%s", peer->name.text,
		err->what, err->why[0] != '\0' ? "; why: " : "", err->why,
		err->next[0] != '\0' ? "; next: " : "", err->next);
}
