/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nearest vectors, exactly: a matrix of floats in memory, scanned with SIMD.
 *
 *  - The server alone writes, into rows that no search can be reading (matrix.h). So searches read
 *    on other threads, without a lock, what was there when they began.
 *  - A small search runs in the handler, a larger one on the pool of threads; each block it looks
 *    whether its caller still waits.
 *  - Several questions at once go through the matrix together, so that each row is fetched once.
 *
 * What comes in is not trusted: a vector has the right size and is finite, or it is refused.
 */
#include <flitch.h>
#include <stdlib.h>
#include <string.h>

#include "matrix.h"

enum {
	DIM_MAX = 4096,
	K_MAX = 1000,
	QUESTIONS_MAX = 256,
	JOBS_MAX = 64,
	INLINE_STEPS = 1 << 19 /* multiplications: about 0.1 ms */
};

typedef struct job job;

struct vectors {
	matrix *matrix;    /* NULL until it is configured */
	job *first, *last; /* that run, in the order in which they began */
	uint64_t begun;    /* searches, and 1: the number of the next one */
	uint64_t searches, refused, given_up;
	uint32_t running;
};

typedef struct found {
	float distance;
	int64_t id;
} found;

struct job {
	fl_from from;
	struct job *next, *before; /* of those that run */
	uint64_t number;
	matrix *matrix;
	bool is_many;
	size_t questions, k;
	lanes *asked;   /* questions x steps */
	found *heaps;   /* questions x k, the farthest first */
	size_t *sizes;  /* of the heaps */
	bool has_ended; /* nobody waited for it */
};

/* ---- searching ------------------------------------------------------------------------------- */

/* Compiled for the machine's widest as well as for any; the loader chooses. */
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
#define WIDEST __attribute__((target_clones("arch=haswell", "default")))
#else
#define WIDEST
#endif

WIDEST static float distance(const lanes *a, const lanes *b, size_t steps, bool is_dot)
{
	lanes sum = {0}, d;
	float total = 0;

	if (is_dot)
		for (size_t i = 0; i < steps; i++)
			sum += a[i] * b[i];
	else
		for (size_t i = 0; i < steps; i++) {
			d = a[i] - b[i];
			sum += d * d;
		}
	for (int i = 0; i < MATRIX_LANES; i++)
		total += sum[i];
	return is_dot ? -total : total;
}

static bool is_farther(found a, found b)
{
	return a.distance > b.distance || (a.distance == b.distance && a.id > b.id);
}

/* The hole at `at` sinks until `f` may lie in it. */
static void sink(found *heap, size_t size, size_t at, found f)
{
	for (size_t child; (child = 2 * at + 1) < size; at = child) {
		if (child + 1 < size && is_farther(heap[child + 1], heap[child]))
			child++;
		if (!is_farther(heap[child], f))
			break;
		heap[at] = heap[child];
	}
	heap[at] = f;
}

static void offer(found *heap, size_t *size, size_t k, found f)
{
	if (*size == k) {
		if (is_farther(heap[0], f))
			sink(heap, k, 0, f);
		return;
	}
	heap[(*size)++] = f;
	for (size_t i = *size / 2; *size == k && i-- > 0;) /* full: now it becomes a heap */
		sink(heap, k, i, heap[i]);
}

static void search_row(job *j, size_t row, int64_t id)
{
	const matrix *m = j->matrix;

	for (size_t q = 0; q < j->questions; q++) {
		float d =
			distance(j->asked + q * m->steps, matrix_row(m, row), m->steps, m->is_dot);

		offer(j->heaps + q * j->k, &j->sizes[q], j->k, (found){d, id});
	}
}

static void search(void *arg, const _Atomic(bool) *cancelled)
{
	job *j = arg;
	size_t count = atomic_load_explicit(&j->matrix->count, memory_order_acquire);

	for (size_t row = 0; row < count; row++) {
		if (row % MATRIX_BLOCK_ROWS == 0 &&
			((cancelled != NULL && *cancelled) || !fl_from_alive(j->from))) {
			j->has_ended = true;
			return;
		}
		if (matrix_sees(j->matrix, row, j->number))
			search_row(j, row, matrix_head(j->matrix, row)->id);
	}
}

static int by_distance(const void *a, const void *b)
{
	found x = *(const found *)a, y = *(const found *)b;

	return is_farther(x, y) - is_farther(y, x);
}

/* ---- jobs ------------------------------------------------------------------------------------ */

static void job_free(void *arg)
{
	job *j = arg;

	matrix_unref(j->matrix);
	free(j->asked);
	free(j->heaps);
	free(j->sizes);
	free(j);
}

static void build_one(fl_buf *buf, job *j, size_t q)
{
	found *heap = j->heaps + q * j->k;

	qsort(heap, j->sizes[q], sizeof *heap, by_distance);
	fl_list_open(buf);
	for (size_t i = 0; i < j->sizes[q]; i++)
		(void)fl_build(buf, "{~, ~}", heap[i].id,
			(double)(j->matrix->is_dot ? -heap[i].distance : heap[i].distance));
	fl_list_close(buf);
}

static void list_add(struct vectors *v, job *j)
{
	v->begun++;
	j->before = v->last;
	if (v->last != NULL)
		v->last->next = j;
	else
		v->first = j;
	v->last = j;
	v->running++;
}

static void list_remove(struct vectors *v, job *j)
{
	if (j->before != NULL)
		j->before->next = j->next;
	else
		v->first = j->next;
	if (j->next != NULL)
		j->next->before = j->before;
	else
		v->last = j->before;
	v->running--;
}

static searches searches_now(const struct vectors *v)
{
	return (searches){v->first == NULL ? v->begun : v->first->number, v->begun};
}

static int answer(struct vectors *v, job *j)
{
	fl_buf buf = FL_BUF_INIT;
	int rc;

	v->searches++;
	v->given_up += j->has_ended;
	if (j->is_many)
		fl_list_open(&buf);
	for (size_t q = 0; q < j->questions && !j->has_ended; q++)
		build_one(&buf, j, q);
	if (j->is_many)
		fl_list_close(&buf);
	if (j->has_ended)
		rc = fl_reply(j->from, "{error, given_up}"); /* nobody gets it */
	else
		rc = buf.error == FL_OK ? fl_reply(j->from, "{ok, ~}", fl_buf_term(&buf))
					: fl_reply(j->from, "{error, enomem}");
	fl_buf_free(&buf);
	job_free(j);
	return rc == FL_EALREADY ? FL_OK : rc;
}

static int done(fl_proc *self, void *state, void *arg)
{
	struct vectors *v = state;

	(void)self;
	list_remove(v, arg);
	return answer(v, arg);
}

/* NULL: out of memory, or a question that is none. */
static job *job_new(
	struct vectors *v, const job *wanted, const uint8_t *bytes, const char **ret_why)
{
	matrix *m = v->matrix;
	job *j = calloc(1, sizeof *j);
	bool is_right = true;

	*ret_why = "enomem";
	if (j == NULL)
		return NULL;
	*j = *wanted;
	j->number = v->begun;
	j->matrix = m;
	atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
	j->asked = aligned_alloc(sizeof(lanes), j->questions * m->steps * sizeof(lanes));
	j->heaps = calloc(j->questions * j->k, sizeof *j->heaps);
	j->sizes = calloc(j->questions, sizeof *j->sizes);
	if (j->asked != NULL && j->heaps != NULL && j->sizes != NULL) {
		*ret_why = "not_finite";
		for (size_t q = 0; q < j->questions; q++)
			is_right = matrix_spread(m, bytes + q * m->dim * sizeof(float),
					   j->asked + q * m->steps) &&
				   is_right;
		if (is_right)
			return j;
	}
	job_free(j);
	return NULL;
}

static int start(fl_proc *self, struct vectors *v, job wanted, fl_bin bytes)
{
	static const fl_task task = {.work = search, .done = done, .drop = job_free};
	size_t row_bytes = v->matrix->dim * sizeof(float);
	const char *why;
	job *j;

	wanted.questions = bytes.size / row_bytes;
	if (bytes.size % row_bytes != 0 || wanted.questions == 0 ||
		wanted.questions > (wanted.is_many ? QUESTIONS_MAX : 1))
		return fl_reply(wanted.from, "{error, bad_size}");
	if (v->running >= JOBS_MAX) {
		v->refused++;
		return fl_reply(wanted.from, "{error, busy}");
	}
	j = job_new(v, &wanted, bytes.data, &why);
	if (j == NULL)
		return fl_reply(wanted.from, "{error, ~}", fl_atom_of(why));
	if (v->matrix->steps * MATRIX_LANES * atomic_load(&v->matrix->count) * j->questions <=
		INLINE_STEPS) {
		search(j, NULL);
		return answer(v, j);
	}
	if (fl_later(self, j->from) != FL_OK || fl_offload(self, &task, j) != FL_OK) {
		job_free(j);
		return fl_reply(wanted.from, "{error, busy}");
	}
	list_add(v, j);
	return FL_OK;
}

/* ---- the server ------------------------------------------------------------------------------ */

static int on_init(fl_proc *self, void *state, fl_term args)
{
	struct vectors *v = state;

	(void)self;
	(void)args;
	v->begun = 1;
	return FL_OK;
}

static int configure(struct vectors *v, fl_from from, size_t dim, bool is_dot)
{
	matrix *m = matrix_new(dim, is_dot);

	if (m == NULL)
		return fl_reply(from, "{error, enomem}");
	matrix_unref(v->matrix);
	v->matrix = m;
	return fl_reply(from, "ok");
}

static int put_many(struct vectors *v, fl_from from, int64_t first, fl_bin bytes)
{
	size_t row_bytes = v->matrix->dim * sizeof(float), count = bytes.size / row_bytes;
	const char *why = bytes.size % row_bytes != 0 ? "bad_size" : NULL;
	int64_t last;

	if (why == NULL && __builtin_add_overflow(first, (int64_t)count, &last))
		why = "badarg";
	for (size_t i = 0; i < count && why == NULL; i++)
		why = matrix_put(v->matrix, first + (int64_t)i,
			(const uint8_t *)bytes.data + i * row_bytes, searches_now(v));
	return why == NULL ? fl_reply(from, "ok") : fl_reply(from, "{error, ~}", fl_atom_of(why));
}

static int stats(const struct vectors *v, fl_from from)
{
	return fl_reply(from,
		"#{vectors => ~, rows => ~, running => ~, searches => ~, refused => ~, given_up => ~}",
		v->matrix == NULL ? 0 : v->matrix->live,
		v->matrix == NULL ? 0 : atomic_load(&v->matrix->count), v->running, v->searches,
		v->refused, v->given_up);
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	struct vectors *v = state;
	job j = {.from = from};
	fl_atom metric;
	int64_t id;
	size_t dim;
	fl_bin bytes;

	if (fl_match(request, "{configure, ~, ~}", &dim, &metric) && dim >= 1 && dim <= DIM_MAX &&
		(fl_atom_is(metric, "l2") || fl_atom_is(metric, "dot")))
		return configure(v, from, dim, fl_atom_is(metric, "dot"));
	if (fl_match(request, "stats"))
		return stats(v, from);
	if (v->matrix == NULL)
		return fl_reply(from, "{error, not_configured}");
	if (fl_match(request, "{put, ~, ~}", &id, &bytes))
		return bytes.size == v->matrix->dim * sizeof(float)
			       ? put_many(v, from, id, bytes)
			       : fl_reply(from, "{error, bad_size}");
	if (fl_match(request, "{put_many, ~, ~}", &id, &bytes))
		return put_many(v, from, id, bytes);
	if (fl_match(request, "{delete, ~}", &id))
		return matrix_delete(v->matrix, id, searches_now(v))
			       ? fl_reply(from, "ok")
			       : fl_reply(from, "{error, not_found}");
	j.is_many = fl_match(request, "{nearest_each, ~, ~}", &bytes, &j.k);
	if ((j.is_many || fl_match(request, "{nearest, ~, ~}", &bytes, &j.k)) && j.k >= 1 &&
		j.k <= K_MAX)
		return start(self, v, j, bytes);
	return fl_reply(from, "{error, badarg}");
}

static void on_release(void *state)
{
	matrix_unref(((struct vectors *)state)->matrix);
}

static const fl_behaviour server = {
	.name = "vectors",
	.state_size = sizeof(struct vectors),
	.init = on_init,
	.call = on_call,
	.release = on_release,
};

FL_MODULE(&server);
FL_DOCS({"vectors", NULL,
		"The nearest vectors of floats in memory, found exactly. A vector is a binary of 32-bit floats, little-endian."},
	{"vectors", "call {configure, Dim :: 1..4096, Metric :: l2 | dot} -> ok | {error, atom()}",
		"Begins anew, empty: squared Euclidean distance, or the dot product, the greatest first."},
	{"vectors", "call {put, Id :: integer(), Vector :: binary()} -> ok | {error, atom()}",
		"Adds or replaces one."},
	{"vectors",
		"call {put_many, First :: integer(), Vectors :: binary()} -> ok | {error, atom()}",
		"Adds or replaces those of the ids First, First + 1 and so on."},
	{"vectors", "call {delete, Id :: integer()} -> ok | {error, not_found}", "Removes one."},
	{"vectors",
		"call {nearest, Vector :: binary(), K :: 1..1000} -> {ok, [{integer(), float()}]} | {error, "
		"atom()}",
		"The K nearest with their distances, the nearest first."},
	{"vectors",
		"call {nearest_each, Vectors :: binary(), K :: 1..1000} -> {ok, [[{integer(), float()}]]} | "
		"{error, atom()}",
		"The same for up to 256 vectors, in one pass."},
	{"vectors", "call stats -> #{atom() => non_neg_integer()}",
		"How many there are, and rows that hold them; searches running, done, refused, given up."});
