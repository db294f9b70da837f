/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compression by libzstd: whole binaries, with dictionaries, and streams.
 *
 *  - A small binary is worked on in the handler. A larger one goes to the pool of threads, so that
 *    the server answers others meanwhile. Either is read where its message lies, and what comes of
 *    it is sent from where it was written (<flitch/large.h>).
 *  - Work looks every 256 KiB whether its caller still waits: a timeout, or the caller's death,
 *    ends it in mid-way.
 *  - More than JOBS_MAX at once are refused with {error, busy}; `stats` says how many there are.
 *  - A stream is a process: {open, Level} starts it, and it ends with the one who opened it.
 *
 * What comes in is not trusted: an output beyond OUTPUT_MAX is {error, too_large}, whatever a frame
 * says of itself.
 */
#include <flitch.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "train.h"

enum {
	INLINE_MAX = 32 << 10, /* at the default level that is about 0.1 ms */
	INLINE_LEVEL_MAX = 6,
	STEP = 256 << 10,
	OUTPUT_MAX = 64 << 20,
	JOBS_MAX = 64,
	DICTIONARIES_MAX = 16,
	NAME_SIZE = 64,
	IDLE_MAX = 8
};

/* Owner: the server; jobs hold it while they run. */
typedef struct dictionary {
	_Atomic(int) refs;
	char name[NAME_SIZE];
	ZSTD_CDict *to;
	ZSTD_DDict *from;
} dictionary;

struct zstd {
	dictionary *dictionaries[DICTIONARIES_MAX];
	ZSTD_CCtx *idle[IDLE_MAX]; /* contexts to use again */
	size_t idle_count;
	uint64_t done, refused, given_up;
	uint32_t running;
};

typedef enum job_kind { COMPRESS, DECOMPRESS, TRAIN } job_kind;

/* Owner: the thread that works, then the server. */
typedef struct job {
	job_kind kind;
	fl_from from;
	fl_held held; /* the request, while other threads read it */
	fl_bin input;
	fl_term samples;
	size_t train_size;
	int level;
	dictionary *dictionary; /* may be NULL */
	ZSTD_CCtx *context;
	fl_blob output;
	const char *error; /* NULL: it worked */
} job;

/* ---- dictionaries ---------------------------------------------------------------------------- */

static void dictionary_unref(dictionary *d)
{
	if (d == NULL || atomic_fetch_sub(&d->refs, 1) != 1)
		return;
	(void)ZSTD_freeCDict(d->to);
	(void)ZSTD_freeDDict(d->from);
	free(d);
}

static dictionary **dictionary_find(struct zstd *z, fl_atom name)
{
	for (size_t i = 0; i < DICTIONARIES_MAX; i++)
		if (z->dictionaries[i] != NULL && fl_atom_is(name, z->dictionaries[i]->name))
			return &z->dictionaries[i];
	return NULL;
}

static dictionary *dictionary_new(fl_atom name, fl_bin bytes, int level)
{
	dictionary *d = calloc(1, sizeof *d);

	if (d == NULL)
		return NULL;
	atomic_store(&d->refs, 1);
	memcpy(d->name, name.text, name.size);
	d->to = ZSTD_createCDict(bytes.data, bytes.size, level);
	d->from = ZSTD_createDDict(bytes.data, bytes.size);
	if (d->to != NULL && d->from != NULL)
		return d;
	dictionary_unref(d);
	return NULL;
}

static int put_dictionary(struct zstd *z, fl_from from, fl_atom name, fl_bin bytes, int level)
{
	dictionary **slot = dictionary_find(z, name), *d;

	for (size_t i = 0; slot == NULL && i < DICTIONARIES_MAX; i++)
		if (z->dictionaries[i] == NULL)
			slot = &z->dictionaries[i];
	if (slot == NULL || name.size >= NAME_SIZE)
		return fl_reply(from, "{error, too_many}");
	d = dictionary_new(name, bytes, level);
	if (d == NULL)
		return fl_reply(from, "{error, bad_dictionary}");
	dictionary_unref(*slot);
	*slot = d;
	return fl_reply(from, "ok");
}

/* ---- the work -------------------------------------------------------------------------------- */

static bool goes_on(job *j, const _Atomic(bool) *cancelled)
{
	if ((cancelled != NULL && *cancelled) || !fl_from_alive(j->from))
		j->error = "given_up";
	return j->error == NULL;
}

/* From here on `room` bytes fit. */
static bool make_room(job *j, size_t room)
{
	int rc = room > OUTPUT_MAX        ? FL_ELIMIT
		 : j->output.node == NULL ? fl_blob_make(j->from.node, room, &j->output)
					  : fl_blob_resize(&j->output, room);

	if (rc != FL_OK)
		j->error = rc == FL_ELIMIT ? "too_large" : "enomem";
	return rc == FL_OK;
}

/* The rest of the room is not needed. */
static void cut(job *j, size_t size)
{
	if (j->error == NULL)
		(void)make_room(j, size);
}

static void compress(job *j, const _Atomic(bool) *cancelled)
{
	size_t room = ZSTD_compressBound(j->input.size), left = 1;
	ZSTD_outBuffer out;

	if (!make_room(j, room))
		return;
	out = (ZSTD_outBuffer){j->output.data, room, 0};
	(void)ZSTD_CCtx_reset(j->context, ZSTD_reset_session_and_parameters);
	(void)ZSTD_CCtx_setParameter(j->context, ZSTD_c_compressionLevel, j->level);
	(void)ZSTD_CCtx_refCDict(j->context, j->dictionary == NULL ? NULL : j->dictionary->to);
	(void)ZSTD_CCtx_setPledgedSrcSize(j->context, j->input.size);
	for (size_t at = 0; left != 0 && goes_on(j, cancelled);) {
		size_t step = j->input.size - at < STEP ? j->input.size - at : STEP;
		ZSTD_inBuffer in = {(const uint8_t *)j->input.data + at, step, 0};
		bool is_last = at + step == j->input.size;

		left = ZSTD_compressStream2(
			j->context, &out, &in, is_last ? ZSTD_e_end : ZSTD_e_continue);
		at += in.pos;
		if (ZSTD_isError(left))
			j->error = "zstd";
		left = is_last ? left : 1;
	}
	cut(j, out.pos);
}

/* Frames may follow each other; what they say of their size is only where we begin. */
static void decompress(job *j, const _Atomic(bool) *cancelled)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();
	ZSTD_inBuffer in = {j->input.data, j->input.size, 0};
	unsigned long long said = ZSTD_getFrameContentSize(j->input.data, j->input.size);
	size_t room = said > 0 && said <= OUTPUT_MAX ? (size_t)said : STEP, left = 1;
	ZSTD_outBuffer out = {NULL, 0, 0};

	if (context == NULL)
		j->error = "enomem";
	else if (said != ZSTD_CONTENTSIZE_UNKNOWN && said != ZSTD_CONTENTSIZE_ERROR &&
		 said > OUTPUT_MAX)
		j->error = "too_large";
	else if (j->dictionary != NULL)
		(void)ZSTD_DCtx_refDDict(context, j->dictionary->from);
	while (goes_on(j, cancelled) && (in.pos < in.size || (left != 0 && out.pos == out.size))) {
		if (out.pos == out.size) {
			if (!make_room(j, out.size == 0 ? room : 2 * out.size))
				break;
			out.size = out.size == 0 ? room : 2 * out.size;
			out.dst = j->output.data;
		}
		left = ZSTD_decompressStream(context, &out, &in);
		if (ZSTD_isError(left))
			j->error = "bad_data";
	}
	if (j->error == NULL && left != 0)
		j->error = "truncated";
	cut(j, out.pos);
	(void)ZSTD_freeDCtx(context);
}

typedef struct watch {
	job *job;
	const _Atomic(bool) *cancelled;
} watch;

static bool is_watched(void *arg)
{
	watch *w = arg;

	return goes_on(w->job, w->cancelled);
}

static void train(job *j, const _Atomic(bool) *cancelled)
{
	watch w = {j, cancelled};

	if (make_room(j, j->train_size))
		j->error = train_dictionary(j->samples, &j->output, is_watched, &w);
}

static void work(void *arg, const _Atomic(bool) *cancelled)
{
	job *j = arg;

	if (j->kind == COMPRESS)
		compress(j, cancelled);
	else if (j->kind == DECOMPRESS)
		decompress(j, cancelled);
	else
		train(j, cancelled);
}

/* ---- jobs ------------------------------------------------------------------------------------ */

static void job_free(void *arg)
{
	job *j = arg;

	dictionary_unref(j->dictionary);
	(void)ZSTD_freeCCtx(j->context);
	fl_release(&j->held);
	fl_blob_free(&j->output);
	free(j);
}

static int answer(struct zstd *z, job *j)
{
	int rc = FL_OK;

	z->done++;
	if (j->error != NULL && strcmp(j->error, "given_up") == 0)
		z->given_up++; /* nobody waits: an answer would go nowhere */
	if (j->error != NULL)
		rc = fl_reply(j->from, "{error, ~}", fl_atom_of(j->error));
	else
		rc = fl_reply_blob(j->from, &j->output, "{ok, ~}", fl_blob_bin(&j->output));
	if (j->context != NULL && z->idle_count < IDLE_MAX) {
		z->idle[z->idle_count++] = j->context;
		j->context = NULL;
	}
	job_free(j);
	return rc == FL_EALREADY ? FL_OK : rc;
}

static int done(fl_proc *self, void *state, void *arg)
{
	struct zstd *z = state;

	(void)self;
	z->running--;
	return answer(z, arg);
}

static int offload(fl_proc *self, struct zstd *z, job *j, fl_term request)
{
	static const fl_task task = {.work = work, .done = done, .drop = job_free};
	size_t before = (size_t)((const uint8_t *)j->input.data - request.data);

	if (fl_hold(self, request, &j->held) != FL_OK || fl_later(self, j->from) != FL_OK) {
		j->error = "enomem";
		return answer(z, j);
	}
	if (j->input.data != NULL)
		j->input.data = j->held.term.data + before;
	if (j->kind == TRAIN)
		(void)fl_match(j->held.term, "{train, _, ~}", &j->samples);
	if (fl_offload(self, &task, j) != FL_OK) {
		j->error = "busy";
		return answer(z, j);
	}
	z->running++;
	return FL_OK;
}

static ZSTD_CCtx *context_take(struct zstd *z)
{
	return z->idle_count > 0 ? z->idle[--z->idle_count] : ZSTD_createCCtx();
}

static int start(fl_proc *self, struct zstd *z, job wanted, fl_term request)
{
	bool is_small = wanted.kind != TRAIN && wanted.input.size <= INLINE_MAX &&
			wanted.level <= INLINE_LEVEL_MAX;
	job *j;

	if (z->running >= JOBS_MAX) {
		z->refused++;
		return fl_reply(wanted.from, "{error, busy}");
	}
	j = malloc(sizeof *j);
	if (j == NULL)
		return fl_reply(wanted.from, "{error, enomem}");
	*j = wanted;
	if (j->dictionary != NULL)
		atomic_fetch_add(&j->dictionary->refs, 1);
	if (j->kind == COMPRESS && (j->context = context_take(z)) == NULL)
		j->error = "enomem";
	if (j->error != NULL)
		return answer(z, j);
	if (!is_small)
		return offload(self, z, j, request);
	work(j, NULL);
	return answer(z, j);
}

/* ---- streams --------------------------------------------------------------------------------- */

struct stream {
	ZSTD_CCtx *context;
	fl_ref owner;
};

static int stream_init(fl_proc *self, void *state, fl_term args)
{
	struct stream *s = state;
	int level;
	fl_pid owner;

	if (!fl_match(args, "{~, ~}", &level, &owner))
		return fl_stop(self, "badarg");
	s->context = ZSTD_createCCtx();
	if (s->context == NULL)
		return fl_stop(self, "enomem");
	(void)ZSTD_CCtx_setParameter(s->context, ZSTD_c_compressionLevel, level);
	return fl_monitor(self, owner, &s->owner);
}

/* What has come out so far; the rest of it too when `how` is ZSTD_e_end. */
static int stream_feed(fl_from from, struct stream *s, fl_bin data, ZSTD_EndDirective how)
{
	size_t room = ZSTD_compressBound(data.size) + STEP, left = 1;
	fl_blob blob = {.node = NULL};
	ZSTD_outBuffer out = {NULL, room, 0};
	ZSTD_inBuffer in = {data.data, data.size, 0};

	if (fl_blob_make(from.node, room, &blob) != FL_OK)
		return fl_reply(from, "{error, enomem}");
	out.dst = blob.data;
	while (left != 0 && !ZSTD_isError(left) && out.pos < out.size)
		if (left = ZSTD_compressStream2(s->context, &out, &in, how),
			how == ZSTD_e_continue && in.pos == in.size)
			break;
	if (ZSTD_isError(left) || fl_blob_resize(&blob, out.pos) != FL_OK) {
		fl_blob_free(&blob);
		return fl_reply(from, "{error, zstd}");
	}
	return fl_reply_blob(from, &blob, "{ok, ~}", fl_blob_bin(&blob));
}

static int stream_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	fl_bin data;

	if (fl_match(request, "{feed, ~}", &data))
		return stream_feed(from, state, data, ZSTD_e_continue);
	if (!fl_match(request, "finish"))
		return fl_unhandled(self, request);
	(void)stream_feed(from, state, (fl_bin){"", 0}, ZSTD_e_end);
	return fl_stop(self, "normal");
}

static int stream_info(fl_proc *self, void *state, fl_term message)
{
	struct stream *s = state;

	if (fl_match(message, "{'DOWN', ^, _, _, _}", &s->owner))
		return fl_stop(self, "normal");
	return fl_unhandled(self, message);
}

static void stream_release(void *state)
{
	(void)ZSTD_freeCCtx(((struct stream *)state)->context);
}

static const fl_behaviour stream = {
	.name = "zstd_stream",
	.state_size = sizeof(struct stream),
	.init = stream_init,
	.call = stream_call,
	.info = stream_info,
	.release = stream_release,
};

static int open_stream(fl_proc *self, fl_from from, int level)
{
	const fl_start_options options = {.link = true};
	fl_pid owner, pid;

	if (!fl_from_pid(from, &owner) ||
		fl_start(self, &stream, &options, &pid, "{~, ~}", level, owner) != FL_OK)
		return fl_reply(from, "{error, enomem}");
	return fl_reply(from, "{ok, ~}", pid);
}

/* ---- the server ------------------------------------------------------------------------------ */

static int stats(const struct zstd *z, fl_from from)
{
	return fl_reply(from, "#{running => ~, done => ~, refused => ~, given_up => ~}", z->running,
		z->done, z->refused, z->given_up);
}

static int with_dictionary(fl_proc *self, struct zstd *z, job j, fl_atom name, fl_term request)
{
	dictionary **found = dictionary_find(z, name);

	if (found == NULL)
		return fl_reply(j.from, "{error, no_dictionary}");
	j.dictionary = *found;
	return start(self, z, j, request);
}

static bool is_level(int level)
{
	return level >= 1 && level <= 19;
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	job j = {.from = from, .level = 3};
	fl_atom name;

	if (fl_match(request, "{compress, ~, ~}", &j.level, &j.input) && is_level(j.level))
		return start(self, state, j, request);
	if (fl_match(request, "{compress_with, ~, ~, ~}", &j.level, &name, &j.input) &&
		is_level(j.level))
		return with_dictionary(self, state, j, name, request);
	j.kind = DECOMPRESS;
	if (fl_match(request, "{decompress, ~}", &j.input))
		return start(self, state, j, request);
	if (fl_match(request, "{decompress_with, ~, ~}", &name, &j.input))
		return with_dictionary(self, state, j, name, request);
	j.kind = TRAIN;
	if (fl_match(request, "{train, ~, ~}", &j.train_size, &j.samples) &&
		j.train_size >= TRAIN_SIZE_MIN && j.train_size <= TRAIN_SIZE_MAX)
		return start(self, state, j, request);
	if (fl_match(request, "{put_dictionary, ~, ~, ~}", &name, &j.input, &j.level) &&
		is_level(j.level))
		return put_dictionary(state, from, name, j.input, j.level);
	if (fl_match(request, "{open, ~}", &j.level) && is_level(j.level))
		return open_stream(self, from, j.level);
	if (fl_match(request, "stats"))
		return stats(state, from);
	return fl_reply(from, "{error, badarg}");
}

/* A stream that ended. */
static int on_info(fl_proc *self, void *state, fl_term message)
{
	(void)state;
	return fl_match(message, "{'EXIT', _, _}") ? FL_OK : fl_unhandled(self, message);
}

static void on_release(void *state)
{
	struct zstd *z = state;

	for (size_t i = 0; i < DICTIONARIES_MAX; i++)
		dictionary_unref(z->dictionaries[i]);
	while (z->idle_count > 0)
		(void)ZSTD_freeCCtx(z->idle[--z->idle_count]);
}

static const fl_behaviour server = {
	.name = "zstd",
	.state_size = sizeof(struct zstd),
	.call = on_call,
	.info = on_info,
	.release = on_release,
	.trap_exit = true,
};

FL_MODULE(&server);
FL_DOCS({"zstd", NULL, "Compression by libzstd, off the schedulers of the BEAM."},
	{"zstd",
		"call {compress, Level :: 1..19, Data :: binary()} -> {ok, binary()} | {error, atom()}",
		"One frame."},
	{"zstd",
		"call {compress_with, Level :: 1..19, Dictionary :: atom(), Data :: binary()} -> {ok, binary()} "
		"| {error, atom()}",
		"The same with a dictionary, whose level counts."},
	{"zstd", "call {decompress, Data :: binary()} -> {ok, binary()} | {error, atom()}",
		"Frames of at most 64 MiB in all."},
	{"zstd",
		"call {decompress_with, Dictionary :: atom(), Data :: binary()} -> {ok, binary()} | {error, "
		"atom()}",
		NULL},
	{"zstd",
		"call {train, Bytes :: 256..1048576, Samples :: [binary()]} -> {ok, binary()} | {error, "
		"atom()}",
		"A dictionary for what is like the samples, which are at most 16 MiB."},
	{"zstd",
		"call {put_dictionary, Name :: atom(), Dictionary :: binary(), Level :: 1..19} -> ok | "
		"{error, atom()}",
		"Keeps it under a name."},
	{"zstd", "call {open, Level :: 1..19} -> {ok, pid()} | {error, atom()}",
		"A stream, which ends with its opener: {feed, Data} and finish answer {ok, Bytes}."},
	{"zstd", "call stats -> #{atom() => non_neg_integer()}",
		"Jobs: running, done, refused, given up."});
