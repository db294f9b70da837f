/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanes of large messages.
 *
 * - A large message opens a lane for its sender, or queues in the one that is open.
 * - Lanes take turns: each gives one piece, a fragment or a run of small frames, and goes to the
 * end of the ring when that has been written.
 * - A lane ends with its last job.
 *
 * The number of a sequence is a counter: unique among all messages of the connection, and never 0,
 * which would crash a BEAM. (A BEAM takes the sender's pid; the receiver must not care.)
 */
#include "dist/outbound_lanes.h"

#include "flitch/error.h"
#include "node/term/tag.h"

static bool has_key(const void *item, const void *key)
{
	const fli_outbound_lane *lane = item;
	const uint64_t *wanted = key;

	return lane->key == *wanted;
}

void fli_outbound_lanes_create(
	fli_outbound_lanes *lanes, fli_mem *mem, size_t fragment_bytes, uint64_t seed)
{
	*lanes = (fli_outbound_lanes){.mem = mem, .seed = seed, .fragment_bytes = fragment_bytes};
	fli_map_create(&lanes->by_key, mem, has_key);
	fli_list_create(&lanes->ring);
}

static void job_delete(fli_outbound_lanes *lanes, fli_outbound_job *job)
{
	fli_list_remove(&job->link);
	fli_spares_give(lanes->spares, &job->bytes);
	fli_free(lanes->mem, job);
}

static fli_outbound_job *job_of(fli_link *link)
{
	return fli_container_of(link, fli_outbound_job, link);
}

static uint64_t hash_of(const fli_outbound_lanes *lanes, uint64_t key)
{
	return fli_hash_mix(key ^ lanes->seed);
}

static void lane_delete(fli_outbound_lanes *lanes, fli_outbound_lane *lane)
{
	while (!fli_list_is_empty(&lane->jobs))
		job_delete(lanes, job_of(lane->jobs.next));
	fli_list_remove(&lane->link);
	fli_free(lanes->mem, lane);
}

void fli_outbound_lanes_destroy(fli_outbound_lanes *lanes)
{
	while (!fli_list_is_empty(&lanes->ring))
		lane_delete(lanes, fli_container_of(lanes->ring.next, fli_outbound_lane, link));
	fli_map_destroy(&lanes->by_key);
	lanes->bytes = 0;
}

static fli_outbound_lane *lane_find(const fli_outbound_lanes *lanes, uint64_t key)
{
	return fli_map_get(&lanes->by_key, hash_of(lanes, key), &key);
}

bool fli_outbound_lanes_has(const fli_outbound_lanes *lanes, uint64_t key)
{
	return lane_find(lanes, key) != NULL;
}

static fli_outbound_lane *lane_open(fli_outbound_lanes *lanes, const fli_outbound_large *large)
{
	uint64_t key = large->key;
	fli_outbound_lane *lane = key == 0 ? NULL : lane_find(lanes, key);

	if (lane != NULL)
		return lane;
	lane = fli_alloc(lanes->mem, sizeof *lane);
	if (lane == NULL)
		return NULL;
	lane->key = key;
	lane->fence = large->fence;
	/* A message of nobody in particular has a lane of its own, which nothing else looks for. */
	if (key != 0 && fli_map_put(&lanes->by_key, hash_of(lanes, key), lane) != FL_OK) {
		fli_free(lanes->mem, lane);
		return NULL;
	}
	fli_list_create(&lane->jobs);
	fli_list_append(&lanes->ring, &lane->link);
	return lane;
}

/* The last job of a lane when small frames can still be added to it. */
static fli_outbound_job *open_plain_job(fli_outbound_lane *lane)
{
	fli_outbound_job *job = job_of(lane->jobs.prev);

	return job->seq == 0 && job->at == 0 ? job : NULL;
}

int fli_outbound_lanes_add_plain(
	fli_outbound_lanes *lanes, uint64_t key, const uint8_t *data, size_t size)
{
	fli_outbound_lane *lane = lane_find(lanes, key);
	fli_outbound_job *job = open_plain_job(lane);
	bool is_new = job == NULL;

	if (is_new) {
		job = fli_zalloc(lanes->mem, sizeof *job);
		if (job == NULL)
			return FL_ENOMEM;
		fli_buf_create(&job->bytes, lanes->mem, 0);
		fli_list_append(&lane->jobs, &job->link);
	}
	fli_buf_add(&job->bytes, data, size);
	if (job->bytes.failed) {
		job->bytes.failed = false;
		if (is_new)
			job_delete(lanes, job);
		return FL_ENOMEM;
	}
	lanes->bytes += size;
	return FL_OK;
}

static void plan(const fli_outbound_lanes *lanes, fli_outbound_job *job, size_t control_size)
{
	size_t size = job->bytes.size - job->start - FLI_FRAGMENT_FIRST_BYTES, rest;

	job->first_size =
		control_size > lanes->fragment_bytes ? control_size : lanes->fragment_bytes;
	if (job->first_size > size)
		job->first_size = size;
	rest = size - job->first_size;
	job->left = 1 + (rest + lanes->fragment_bytes - 1) / lanes->fragment_bytes;
}

int fli_outbound_lanes_add_large(fli_outbound_lanes *lanes, const fli_outbound_large *large)
{
	fli_outbound_job *job = fli_zalloc(lanes->mem, sizeof *job);
	fli_outbound_lane *lane = job == NULL ? NULL : lane_open(lanes, large);
	fli_buf bytes = large->bytes;

	if (lane == NULL) {
		fli_free(lanes->mem, job);
		fli_buf_destroy(&bytes);
		return FL_ENOMEM;
	}
	job->bytes = bytes;
	job->start = job->at = large->start;
	job->seq = ++lanes->seq;
	job->refs = large->refs;
	plan(lanes, job, large->control_size);
	fli_list_append(&lane->jobs, &job->link);
	lanes->bytes += job->bytes.size - job->start;
	return FL_OK;
}

static void put_header(uint8_t *p, uint8_t kind, size_t frame_size, const fli_outbound_job *job)
{
	fli_put32(p, (uint32_t)(frame_size - 4));
	p[4] = FLI_VERSION;
	p[5] = kind;
	fli_put64(p + 6, job->seq);
	fli_put64(p + 14, job->left);
}

static void take_first(fli_outbound_job *job, fli_outbound_piece *piece)
{
	uint8_t *p = job->bytes.data + job->start;

	piece->size = FLI_FRAGMENT_FIRST_BYTES + job->first_size;
	put_header(p, 69, piece->size, job);
	p[22] = job->refs;
	piece->data = p;
	job->at = job->start + piece->size;
}

static void take_next(fli_outbound_job *job, size_t fragment_bytes, fli_outbound_piece *piece)
{
	uint8_t *p = job->bytes.data + job->at - FLI_FRAGMENT_NEXT_BYTES;
	size_t size = job->bytes.size - job->at;

	if (size > fragment_bytes)
		size = fragment_bytes;
	piece->size = FLI_FRAGMENT_NEXT_BYTES + size;
	put_header(p, 70, piece->size, job);
	piece->data = p;
	job->at += size;
}

static void take_plain(fli_outbound_job *job, fli_outbound_piece *piece)
{
	piece->data = job->bytes.data;
	piece->size = job->bytes.size;
	job->at = job->bytes.size;
}

static fli_outbound_lane *head_of(const fli_outbound_lanes *lanes)
{
	return fli_container_of(lanes->ring.next, fli_outbound_lane, link);
}

bool fli_outbound_lanes_is_ready(const fli_outbound_lanes *lanes)
{
	return !fli_list_is_empty(&lanes->ring) && head_of(lanes)->fence <= lanes->turn;
}

size_t fli_outbound_lanes_largest(const fli_outbound_lanes *lanes)
{
	size_t largest = 0;

	for (fli_link *l = lanes->ring.next; l != &lanes->ring; l = l->next) {
		fli_outbound_lane *lane = fli_container_of(l, fli_outbound_lane, link);

		for (fli_link *j = lane->jobs.next; j != &lane->jobs; j = j->next) {
			fli_outbound_job *job = job_of(j);
			size_t left = job->bytes.size - job->at;

			if (job->seq != 0 && left > largest)
				largest = left;
		}
	}
	return largest;
}

void fli_outbound_lanes_take(fli_outbound_lanes *lanes, fli_outbound_piece *ret_piece)
{
	fli_outbound_lane *lane = head_of(lanes);
	fli_outbound_job *job = job_of(lane->jobs.next);
	size_t before = job->at;

	if (job->seq == 0)
		take_plain(job, ret_piece);
	else if (job->at == job->start)
		take_first(job, ret_piece);
	else
		take_next(job, lanes->fragment_bytes, ret_piece);
	if (job->seq != 0)
		job->left--;
	lanes->bytes -= job->at - before;
	ret_piece->lane = lane;
}

void fli_outbound_lanes_done(fli_outbound_lanes *lanes, fli_outbound_piece *piece)
{
	fli_outbound_lane *lane = piece->lane;
	fli_outbound_job *job = job_of(lane->jobs.next);

	*piece = (fli_outbound_piece){0};
	if (job->left == 0)
		job_delete(lanes, job);
	fli_list_remove(&lane->link);
	if (fli_list_is_empty(&lane->jobs)) {
		if (lane->key != 0) /* then it is there: it was in the ring */
			(void)fli_map_remove(&lanes->by_key, hash_of(lanes, lane->key), &lane->key);
		lane_delete(lanes, lane);
		return;
	}
	fli_list_append(&lanes->ring, &lane->link);
}
