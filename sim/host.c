/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/host.h"

#include <string.h>

#include "sim/epmd.h"

#define EPHEMERAL_PORT 32768

static fli_host *find(fl_sim *sim, const char *name)
{
	for (size_t i = 0; i < sim->hosts_count; i++) {
		if (strcmp(sim->hosts[i]->name, name) == 0)
			return sim->hosts[i];
	}
	return NULL;
}

fli_host *fli_host_get(fl_sim *sim, const char *name)
{
	fli_host *host = find(sim, name);

	if (host != NULL)
		return host;
	fl_assert(sim->hosts_count < FL_SIM_HOSTS_MAX);
	host = fli_store_zalloc(sizeof *host);
	host->sim = sim;
	host->index = sim->hosts_count;
	host->name = fli_store_text(name);
	host->port_next = EPHEMERAL_PORT;
	fli_list_create(&host->listens);
	fli_list_create(&host->progs);
	sim->hosts[sim->hosts_count++] = host;
	if (sim->options.has_epmd)
		fli_epmd_new(host);
	return host;
}

static void print_address(const fli_host *host, char *ret_text, size_t size)
{
	(void)snprintf(ret_text, size, "10.83.0.%u", (unsigned)host->index + 1);
}

fli_host *fli_host_look_up(fli_host *from, const char *name)
{
	fl_sim *sim = from->sim;
	char address[32];

	if (strncmp(name, "127.", 4) == 0 || strcmp(name, "localhost") == 0)
		return from;
	for (size_t i = 0; i < sim->hosts_count; i++) {
		print_address(sim->hosts[i], address, sizeof address);
		if (strcmp(name, address) == 0)
			return sim->hosts[i];
	}
	return find(sim, name);
}

void fli_host_address(const fli_host *host, const fli_host *seen_from, fli_address *ret_address)
{
	*ret_address = (fli_address){
		.ip = {[10] = 0xff, [11] = 0xff, 10, 83, 0}, .is_local = host == seen_from};
	ret_address->ip[15] = (uint8_t)(host->index + 1);
	if (host == seen_from)
		memcpy(ret_address->ip + 12, "\x7f\0\0\1", 4);
}

void fli_hosts_delete(fl_sim *sim)
{
	for (size_t i = 0; i < sim->hosts_count; i++)
		fli_epmd_delete(sim->hosts[i]->epmd); /* whose last words go to other hosts */
	for (size_t i = 0; i < sim->hosts_count; i++) {
		fli_store_free(sim->hosts[i]->name);
		fli_store_free(sim->hosts[i]);
	}
}

void fli_host_vanish(fli_host *host)
{
	fli_link *next;

	fli_world_note(host->sim, "vanishes", host->name, NULL);
	host->is_down = true;
	for (fli_link *at = host->progs.next; at != &host->progs; at = next) {
		fli_prog *prog = fli_container_of(at, fli_prog, in_host);

		next = at->next;
		fli_prog_vanish(prog);
	}
}

void fli_host_revive(fli_host *host)
{
	if (!host->is_down)
		return;
	fli_world_note(host->sim, "is back", host->name, NULL);
	host->is_down = false;
	if (host->epmd != NULL)
		fli_epmd_revive(host->epmd);
}
