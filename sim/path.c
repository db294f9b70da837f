/* SPDX-License-Identifier: Apache-2.0 */
/* The paths between hosts. A host reaches itself at once and always. */
#include "sim/host.h"

#include <string.h>

#define DELAY_US 200
#define JITTER_US 100

static const fl_sim_link usual = {.delay_us = DELAY_US, .jitter_us = JITTER_US};

fli_path *fli_paths_new(void)
{
	return fli_store_zalloc(FL_SIM_HOSTS_MAX * FL_SIM_HOSTS_MAX * sizeof(fli_path));
}

fli_path *fli_path_of(fli_host *from, fli_host *to)
{
	fl_sim *sim = from->sim;
	fli_path *path = &sim->paths[from->index * FL_SIM_HOSTS_MAX + to->index];

	if (path->is_made)
		return path;
	path->is_made = true;
	path->dice = fli_dice_of(sim->options.seed, 'p', from->index << 16 | to->index);
	path->link = from == to ? (fl_sim_link){.delay_us = 1} : usual;
	return path;
}

uint64_t fli_path_delay_ns(fli_path *path)
{
	uint64_t ns = (uint64_t)path->link.delay_us * 1000;

	if (path->link.jitter_us > 0)
		ns += fli_dice_below(&path->dice, (uint64_t)path->link.jitter_us * 1000);
	return ns;
}

bool fli_path_is_lost(fli_host *from, fli_host *to)
{
	return from->is_down || to->is_down || fli_path_of(from, to)->link.is_lost;
}

/* ---- what a driver does to them -------------------------------------------------------------- */

fl_sim_link fl_sim_link_of(fl_sim *sim, const char *from, const char *to)
{
	return fli_path_of(fli_host_get(sim, from), fli_host_get(sim, to))->link;
}

static void lose(fl_sim *sim, fli_host *from, fli_host *to, bool is_lost)
{
	fli_path *path = fli_path_of(from, to);

	if (path->link.is_lost != is_lost && from != to)
		fli_world_note(sim, is_lost ? "path lost" : "path heals", from->name, to->name);
	path->link.is_lost = is_lost && from != to;
}

void fl_sim_set_link(fl_sim *sim, const char *from, const char *to, const fl_sim_link *link)
{
	fli_host *a = fli_host_get(sim, from), *b = fli_host_get(sim, to);

	lose(sim, a, b, link->is_lost);
	fli_path_of(a, b)->link = *link;
	fli_world_count(sim, "path set, delay", a->name, b->name, link->delay_us);
}

void fl_sim_cut(fl_sim *sim, const char *host, const char *other)
{
	fli_host *a = fli_host_get(sim, host), *b = fli_host_get(sim, other);

	lose(sim, a, b, true);
	lose(sim, b, a, true);
}

void fl_sim_mend(fl_sim *sim, const char *host, const char *other)
{
	fli_host *a = fli_host_get(sim, host), *b = fli_host_get(sim, other);

	lose(sim, a, b, false);
	lose(sim, b, a, false);
}

/* The group of each host, from 1, by its index. */
static void read_groups(fl_sim *sim, const char *groups, unsigned char *ret_group)
{
	unsigned char group = 1;
	char name[256];

	while (*groups != '\0') {
		size_t size = strcspn(groups, " |");

		if (size > 0 && size < sizeof name) {
			memcpy(name, groups, size);
			name[size] = '\0';
			ret_group[fli_host_get(sim, name)->index] = group;
		}
		groups += size;
		if (*groups == '|')
			group++;
		if (*groups != '\0')
			groups++;
	}
}

void fl_sim_split(fl_sim *sim, const char *groups)
{
	unsigned char group[FL_SIM_HOSTS_MAX] = {0};

	read_groups(sim, groups, group);
	for (size_t i = 0; i < sim->hosts_count; i++) {
		for (size_t k = 0; k < sim->hosts_count; k++) {
			if (group[i] != 0 && group[k] != 0)
				lose(sim, sim->hosts[i], sim->hosts[k], group[i] != group[k]);
		}
	}
}

void fl_sim_heal(fl_sim *sim)
{
	for (size_t i = 0; i < sim->hosts_count; i++) {
		for (size_t k = 0; k < sim->hosts_count; k++) {
			if (i == k)
				continue;
			lose(sim, sim->hosts[i], sim->hosts[k], false);
			fli_path_of(sim->hosts[i], sim->hosts[k])->link = usual;
		}
	}
}

void fl_sim_give_up_after(fl_sim *sim, uint64_t ms)
{
	sim->give_up_ns = ms * FLI_SIM_MS;
}
