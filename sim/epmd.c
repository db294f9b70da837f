/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/epmd.h"

#include "dist/epmd_embedded.h"

#define PORT 4369
#define SLOW_NS (10000 * FLI_SIM_MS)
#define SWEEP_NS (5000 * FLI_SIM_MS)
#define UNIX_S 1790000000

struct fli_epmd {
	fli_prog prog;
	fli_epmd_embedded *server; /* NULL: down */
	fl_sim_epmd how;
	unsigned starts;
	char name[256];
};

static fli_epmd *epmd_of(fli_prog *prog)
{
	return fli_container_of(prog, fli_epmd, prog);
}

static uint64_t now_ms(void *ctx)
{
	return ((fli_epmd *)ctx)->prog.sim->now_ns / FLI_SIM_MS;
}

static uint64_t unix_s(void *ctx)
{
	return UNIX_S + now_ms(ctx) / 1000;
}

static void take_turn(fli_prog *prog)
{
	fli_epmd *epmd = epmd_of(prog);

	if (epmd->server == NULL)
		return;
	fli_prog_deliver(prog);
	fli_epmd_embedded_sweep(epmd->server);
	if (!fli_list_is_empty(&prog->socks) && prog->slow_ns == 0)
		fli_prog_wake(prog, prog->sim->now_ns + SWEEP_NS);
}

static void up(fli_epmd *epmd)
{
	static const char *const all[] = {"0.0.0.0"};
	const fl_sim *sim = epmd->prog.sim;
	fli_dice dice =
		fli_dice_of(sim->options.seed, 'e', epmd->prog.host->index << 32 | epmd->starts++);
	const fli_epmd_embedded_config config = {.net = &epmd->prog.net,
		.mem = fli_store_mem(),
		.addresses = all,
		.addresses_count = 1,
		.port = PORT,
		.seed = fli_dice_next(&dice),
		.now_ms = now_ms,
		.unix_s = unix_s,
		.ctx = epmd};

	(void)fli_epmd_embedded_open(&config, &epmd->server, NULL); /* taken: it stays down */
}

static void down(fli_epmd *epmd)
{
	if (epmd->server != NULL)
		fli_epmd_embedded_close(epmd->server);
	epmd->server = NULL;
	fli_prog_end(&epmd->prog);
}

static void vanish(fli_prog *prog)
{
	down(epmd_of(prog));
}

void fli_epmd_new(fli_host *host)
{
	fli_epmd *epmd = fli_store_zalloc(sizeof *epmd);

	(void)snprintf(epmd->name, sizeof epmd->name, "epmd@%s", host->name);
	fli_prog_create(&epmd->prog, host, epmd->name);
	epmd->prog.take_turn = take_turn;
	epmd->prog.vanish = vanish;
	host->epmd = epmd;
	up(epmd);
}

void fli_epmd_delete(fli_epmd *epmd)
{
	if (epmd == NULL)
		return;
	down(epmd);
	fli_list_remove(&epmd->prog.in_host);
	fli_store_free(epmd);
}

void fli_epmd_set(fli_epmd *epmd, fl_sim_epmd how)
{
	epmd->how = how;
	epmd->prog.lies = how == FL_SIM_EPMD_LYING;
	epmd->prog.slow_ns = how == FL_SIM_EPMD_SLOW ? SLOW_NS : 0;
	fli_heap_unset(&epmd->prog.sim->heap, &epmd->prog.turn);
	fli_prog_wake(&epmd->prog, epmd->prog.sim->now_ns);
	if (how == FL_SIM_EPMD_DOWN)
		down(epmd);
	else
		fli_epmd_revive(epmd);
}

void fli_epmd_revive(fli_epmd *epmd)
{
	if (epmd->server == NULL && epmd->how != FL_SIM_EPMD_DOWN && !epmd->prog.host->is_down)
		up(epmd);
}

void fl_sim_set_epmd(fl_sim *sim, const char *host, fl_sim_epmd how)
{
	static const char *const texts[] = {
		"epmd is up", "epmd is down", "epmd lies", "epmd is slow"};
	fli_host *at = fli_host_get(sim, host);

	fli_world_note(sim, texts[how], at->name, NULL);
	if (at->epmd != NULL)
		fli_epmd_set(at->epmd, how);
}
