/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs: turns, and what the machine does with their sockets.
 *
 * What sockets have to tell is handed out in the order in which it came; what comes meanwhile waits
 * for the next turn, so a turn ends.
 */
#include "sim/host.h"
#include "sim/wire.h"

static void on_turn(fli_event *event)
{
	fli_prog *prog = fli_container_of(event, fli_prog, turn);

	prog->take_turn(prog);
}

void fli_prog_create(fli_prog *prog, fli_host *host, const char *name)
{
	prog->sim = host->sim;
	prog->host = host;
	prog->name = name;
	prog->net = fli_wire_net();
	prog->turn.fire = on_turn;
	fli_list_create(&prog->socks);
	fli_list_create(&prog->ready);
	fli_list_append(&host->progs, &prog->in_host);
}

void fli_prog_wake(fli_prog *prog, uint64_t at_ns)
{
	if (prog->is_paused)
		return;
	if (at_ns < prog->sim->now_ns)
		at_ns = prog->sim->now_ns;
	at_ns += prog->slow_ns + fli_dice_below(&prog->lag, prog->lag_ns);
	fli_heap_set_earlier(&prog->sim->heap, &prog->turn, at_ns);
}

void fli_prog_deliver(fli_prog *prog)
{
	fli_link mine, *link;

	fli_list_create(&mine);
	while ((link = fli_list_pop(&prog->ready)) != NULL)
		fli_list_append(&mine, link);
	while ((link = fli_list_pop(&mine)) != NULL)
		fli_end_tell(fli_container_of(link, fli_end, ready));
}

static void drop_listens(fli_prog *prog)
{
	fli_link *next;

	for (fli_link *at = prog->host->listens.next; at != &prog->host->listens; at = next) {
		fli_listen *listen = fli_container_of(at, fli_listen, in_host);

		next = at->next;
		if (listen->prog == prog)
			fli_listen_delete(listen);
	}
	fli_heap_unset(&prog->sim->heap, &prog->turn);
	prog->is_paused = false;
}

void fli_prog_end(fli_prog *prog)
{
	drop_listens(prog);
	while (!fli_list_is_empty(&prog->socks))
		fli_end_close(fli_container_of(prog->socks.next, fli_end, in_prog));
}

void fli_prog_vanish(fli_prog *prog)
{
	while (!fli_list_is_empty(&prog->socks))
		fli_end_vanish(fli_container_of(prog->socks.next, fli_end, in_prog));
	prog->vanish(prog);
	drop_listens(prog);
}

void fli_prog_pause(fli_prog *prog)
{
	prog->is_paused = true;
	fli_heap_unset(&prog->sim->heap, &prog->turn);
}

void fli_prog_resume(fli_prog *prog)
{
	prog->is_paused = false;
	fli_prog_wake(prog, prog->sim->now_ns);
}
