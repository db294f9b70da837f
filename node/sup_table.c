/* SPDX-License-Identifier: Apache-2.0 */
/* The children of a supervisor: in order, by id, by pid. */
#include "node/sup_table.h"

#include "node/term/hash.h"

#define NEVER UINT64_MAX

typedef struct pid_key {
	uint32_t id, serial;
} pid_key;

static bool has_pid(const void *item, const void *key)
{
	const fli_kid *kid = item;
	const pid_key *pid = key;

	return kid->id == pid->id && kid->serial == pid->serial;
}

static bool has_id(const void *item, const void *key)
{
	return fl_equal(fli_kid_spec_get(((const fli_kid *)item)->spec, FLI_SPEC_ID),
		*(const fl_term *)key);
}

static uint64_t pid_hash(uint32_t id, uint32_t serial)
{
	return fli_hash_mix((uint64_t)serial << 32 | id);
}

static uint64_t id_hash(const fli_sup *sup, fl_term id)
{
	uint64_t hash;

	return fli_term_hash(sup->seed, id, &hash) ? hash : sup->seed;
}

bool fli_sup_is_dynamic(const fli_sup *sup)
{
	return sup->strategy == FL_DYNAMIC || sup->strategy == FL_SIMPLE_ONE_FOR_ONE;
}

void fli_sup_create(fli_sup *sup, fli_mem *mem, const fl_supervisor *flags, uint64_t seed)
{
	bool is_elixirs = flags->strategy == FL_DYNAMIC || flags->partitions > 0;

	*sup = (fli_sup){.mem = mem,
		.seed = seed,
		.strategy = flags->strategy,
		.intensity = flags->intensity,
		.period_s = flags->period_s == 0 ? 5 : flags->period_s,
		.auto_shutdown = flags->auto_shutdown,
		.deadline_ms = NEVER};
	if (flags->intensity == 0)
		sup->intensity = is_elixirs ? 3 : 1;
	else if (flags->intensity == FL_NO_RESTARTS)
		sup->intensity = 0;
	sup->moments = sup->few;
	sup->moments_capacity = sizeof sup->few / sizeof *sup->few;
	fli_list_create(&sup->kids);
	fli_list_create(&sup->lost);
	fli_map_create(&sup->by_id, mem, has_id);
	fli_map_create(&sup->by_pid, mem, has_pid);
}

fli_kid *fli_sup_next(const fli_sup *sup, const fli_kid *kid)
{
	const fli_link *link = kid == NULL ? sup->kids.next : kid->in_order.next;

	return link == &sup->kids ? NULL : fli_container_of(link, fli_kid, in_order);
}

fli_kid *fli_sup_prev(const fli_sup *sup, const fli_kid *kid)
{
	const fli_link *link = kid == NULL ? sup->kids.prev : kid->in_order.prev;

	return link == &sup->kids ? NULL : fli_container_of(link, fli_kid, in_order);
}

fli_kid *fli_sup_by_id(const fli_sup *sup, fl_term id)
{
	return fli_map_get(&sup->by_id, id_hash(sup, id), &id);
}

fli_kid *fli_sup_by_pid(const fli_sup *sup, uint32_t id, uint32_t serial)
{
	const pid_key key = {id, serial};

	return fli_map_get(&sup->by_pid, pid_hash(id, serial), &key);
}

fli_kid *fli_sup_add(fli_sup *sup, fli_kid_spec *spec, fl_term args)
{
	fli_kid *kid = fli_zalloc(sup->mem, sizeof *kid);
	fl_term id;

	if (kid == NULL)
		return NULL;
	kid->args = fli_keep(sup->mem, args);
	if (kid->args == NULL) {
		fli_free(sup->mem, kid);
		return NULL;
	}
	kid->spec = spec;
	id = fli_kid_spec_get(spec, FLI_SPEC_ID);
	if (!fli_sup_is_dynamic(sup) && fli_map_put(&sup->by_id, id_hash(sup, id), kid) != FL_OK) {
		fli_free(sup->mem, kid->args);
		fli_free(sup->mem, kid);
		return NULL;
	}
	(void)fli_kid_spec_ref(spec); /* counted in the kid */
	fli_list_create(&kid->in_lost);
	fli_list_append(&sup->kids, &kid->in_order);
	sup->count++;
	return kid;
}

static void forget_pid(fli_sup *sup, fli_kid *kid)
{
	const pid_key key = {kid->id, kid->serial};

	if (kid->has_pid)
		(void)fli_map_remove(&sup->by_pid, pid_hash(kid->id, kid->serial), &key);
	kid->has_pid = false;
}

void fli_kid_set(fli_sup *sup, fli_kid *kid, fli_kid_state state)
{
	bool was = kid->state == FLI_KID_ALIVE || kid->state == FLI_KID_LOST;
	bool is = state == FLI_KID_ALIVE || state == FLI_KID_LOST;

	sup->alive += (is ? 1U : 0U) - (was ? 1U : 0U);
	sup->restarting += (state == FLI_KID_RESTARTING ? 1U : 0U) -
			   (kid->state == FLI_KID_RESTARTING ? 1U : 0U);
	kid->state = (uint8_t)state;
	if (state != FLI_KID_LOST)
		fli_list_remove(&kid->in_lost);
	if (state == FLI_KID_DOWN)
		forget_pid(sup, kid);
}

void fli_sup_remove(fli_sup *sup, fli_kid *kid)
{
	fl_term id = fli_kid_spec_get(kid->spec, FLI_SPEC_ID);

	fli_kid_set(sup, kid, FLI_KID_DOWN);
	if (!fli_sup_is_dynamic(sup))
		(void)fli_map_remove(&sup->by_id, id_hash(sup, id), &id);
	if (sup->from == &kid->in_order)
		sup->from = kid->in_order.next;
	fli_list_remove(&kid->in_order);
	fli_kid_spec_unref(kid->spec);
	fli_free(sup->mem, kid->args);
	fli_free(sup->mem, kid->reason);
	fli_free(sup->mem, kid);
	sup->count--;
}

void fli_sup_destroy(fli_sup *sup)
{
	fli_kid *kid;

	fli_map_destroy(&sup->by_pid); /* nothing is looked up any more */
	fli_map_destroy(&sup->by_id);
	while ((kid = fli_sup_next(sup, NULL)) != NULL)
		fli_sup_remove(sup, kid);
	if (sup->moments != sup->few)
		fli_free(sup->mem, sup->moments);
	sup->moments = sup->few;
}

void fli_kid_put_down(fli_sup *sup, fli_kid *kid)
{
	if (kid->spec->restart == FL_TEMPORARY || fli_sup_is_dynamic(sup))
		fli_sup_remove(sup, kid);
	else
		fli_kid_set(sup, kid, FLI_KID_DOWN);
}

bool fli_kid_know_pid(fli_sup *sup, fli_kid *kid)
{
	if (fli_map_put(&sup->by_pid, pid_hash(kid->id, kid->serial), kid) != FL_OK)
		return false;
	kid->has_pid = true;
	return true;
}
