/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes of passwords by libargon2 (Argon2id, RFC 9106), off the schedulers of the BEAM.
 *
 *  - They run on the pool of threads, as many at once as there are cores; the others wait in the
 *    order in which they came. Together they may use MEMORY_MAX_KIB; what would need more does not
 *    wait: {error, busy}, so that a flood of logins costs no more than that.
 *  - One whose caller has given up before its turn is not begun. libargon2 itself cannot be
 *    interrupted: one that has begun runs to its end. What it may cost has a limit for that,
 *    COST_MAX_KIB: about 20 times what the usual 2 passes over 19 MiB take.
 *
 * An encoded hash is not trusted: its costs are read, and limited, before it is computed. The copy
 * of the password is wiped; the message that brought it is memory of the node, which is not.
 */
#include <argon2.h>
#include <flitch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
	TIME = 2, /* OWASP's recommendation: 2 passes over 19 MiB, 1 lane */
	MEMORY_KIB = 19456,
	LANES = 1,
	TIME_MAX = 64,
	LANES_MAX = 16,
	MEMORY_MAX_KIB = 512 << 10,
	COST_MAX_KIB = 1 << 20, /* passes times memory */
	PASSWORD_MAX = 1024,
	ENCODED_MAX = 512,
	SALT_BYTES = 16,
	HASH_BYTES = 32,
	JOBS_MAX = 256
};

typedef struct job {
	struct job *next; /* among those that wait */
	fl_from from;
	uint32_t time, memory_kib, lanes;
	bool is_verify, has_ended;
	int error; /* of libargon2 */
	size_t size;
	char password[PASSWORD_MAX];
	char encoded[ENCODED_MAX];
} job;

struct argon2 {
	job *first, *last; /* that wait */
	uint32_t waiting, running, memory_kib;
	uint32_t running_max;
	uint64_t done, refused, given_up;
};

/* ---- the work -------------------------------------------------------------------------------- */

static void work(void *arg, const _Atomic(bool) *cancelled)
{
	job *j = arg;
	uint8_t salt[SALT_BYTES];

	j->has_ended = *cancelled || !fl_from_alive(j->from);
	if (!j->has_ended && j->is_verify)
		j->error = argon2id_verify(j->encoded, j->password, j->size);
	else if (!j->has_ended && getrandom(salt, sizeof salt, 0) != (ssize_t)sizeof salt)
		j->error = ARGON2_MEMORY_ALLOCATION_ERROR;
	else if (!j->has_ended)
		j->error = argon2id_hash_encoded(j->time, j->memory_kib, j->lanes, j->password,
			j->size, salt, sizeof salt, HASH_BYTES, j->encoded, sizeof j->encoded);
	explicit_bzero(j->password, sizeof j->password);
}

static void job_free(void *arg)
{
	explicit_bzero(arg, sizeof(job));
	free(arg);
}

static int answer(const job *j)
{
	if (j->is_verify && (j->error == ARGON2_OK || j->error == ARGON2_VERIFY_MISMATCH))
		return fl_reply(j->from, "{ok, ~}", fl_bool(j->error == ARGON2_OK));
	if (j->error == ARGON2_MEMORY_ALLOCATION_ERROR)
		return fl_reply(j->from, "{error, enomem}");
	if (j->error != ARGON2_OK)
		return fl_reply(j->from, "{error, bad_hash}");
	return fl_reply(j->from, "{ok, ~}", (const char *)j->encoded);
}

static int done(fl_proc *self, void *state, void *arg);

/* The first that waits. */
static void begin(fl_proc *self, struct argon2 *a)
{
	static const fl_task task = {.work = work, .done = done, .drop = job_free};
	job *j = a->first;

	a->first = j->next;
	a->waiting--;
	if (fl_offload(self, &task, j) == FL_OK) {
		a->running++;
		return;
	}
	a->refused++;
	a->memory_kib -= j->memory_kib;
	(void)fl_reply(j->from, "{error, busy}");
	job_free(j);
}

static void begin_those_that_may(fl_proc *self, struct argon2 *a)
{
	while (a->first != NULL && a->running < a->running_max)
		begin(self, a);
}

static int done(fl_proc *self, void *state, void *arg)
{
	struct argon2 *a = state;
	job *j = arg;

	a->running--;
	a->memory_kib -= j->memory_kib;
	a->done += !j->has_ended;
	a->given_up += j->has_ended;
	if (j->has_ended)
		(void)fl_reply(j->from, "{error, given_up}"); /* nobody gets it */
	else
		(void)answer(j); /* the caller may be gone meanwhile */
	job_free(j);
	begin_those_that_may(self, a);
	return FL_OK;
}

static void append(struct argon2 *a, job *j)
{
	j->next = NULL;
	*(a->first == NULL ? &a->first : &a->last->next) = j;
	a->last = j;
	a->waiting++;
	a->memory_kib += j->memory_kib;
}

static int start(fl_proc *self, struct argon2 *a, const job *wanted, fl_bin password)
{
	job *j;

	if (password.size > PASSWORD_MAX)
		return fl_reply(wanted->from, "{error, too_long}");
	if (a->running + a->waiting >= JOBS_MAX ||
		wanted->memory_kib > MEMORY_MAX_KIB - a->memory_kib) {
		a->refused++;
		return fl_reply(wanted->from, "{error, busy}");
	}
	j = malloc(sizeof *j);
	if (j == NULL)
		return fl_reply(wanted->from, "{error, enomem}");
	*j = *wanted;
	memcpy(j->password, password.data, password.size);
	j->size = password.size;
	if (fl_later(self, j->from) != FL_OK) {
		job_free(j);
		return fl_reply(wanted->from, "{error, busy}");
	}
	append(a, j);
	begin_those_that_may(self, a);
	return FL_OK;
}

/* ---- requests -------------------------------------------------------------------------------- */

static bool are_costs(const job *j)
{
	return j->time >= 1 && j->time <= TIME_MAX && j->lanes >= 1 && j->lanes <= LANES_MAX &&
	       j->memory_kib >= 8 * j->lanes && j->memory_kib <= MEMORY_MAX_KIB &&
	       j->time * j->memory_kib <= COST_MAX_KIB;
}

/* $argon2id$v=19$m=19456,t=2,p=1$salt$hash: what it will cost. */
static bool read_costs(job *j, fl_bin encoded)
{
	int end = 0;

	if (encoded.size >= sizeof j->encoded || memchr(encoded.data, '\0', encoded.size) != NULL)
		return false;
	memcpy(j->encoded, encoded.data, encoded.size);
	j->encoded[encoded.size] = '\0';
	return sscanf(j->encoded, "$argon2id$v=19$m=%9u,t=%9u,p=%9u$%n", &j->memory_kib, &j->time,
		       &j->lanes, &end) == 3 &&
	       end > 0 && are_costs(j);
}

static int verify(fl_proc *self, struct argon2 *a, job *j, fl_bin encoded, fl_bin password)
{
	j->is_verify = true;
	return read_costs(j, encoded) ? start(self, a, j, password)
				      : fl_reply(j->from, "{error, bad_hash}");
}

static int stats(const struct argon2 *a, fl_from from)
{
	return fl_reply(from,
		"#{running => ~, waiting => ~, memory_kib => ~, done => ~, refused => ~, given_up => "
		"~}",
		a->running, a->waiting, a->memory_kib, a->done, a->refused, a->given_up);
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	job j = {.from = from, .time = TIME, .memory_kib = MEMORY_KIB, .lanes = LANES};
	fl_bin password, encoded;

	if (fl_match(request, "{hash, ~}", &password))
		return start(self, state, &j, password);
	if (fl_match(request, "{hash_with, ~, ~, ~, ~}", &password, &j.time, &j.memory_kib,
		    &j.lanes) &&
		are_costs(&j))
		return start(self, state, &j, password);
	if (fl_match(request, "{verify, ~, ~}", &encoded, &password))
		return verify(self, state, &j, encoded, password);
	if (fl_match(request, "stats"))
		return stats(state, from);
	return fl_reply(from, "{error, badarg}");
}

static int on_init(fl_proc *self, void *state, fl_term args)
{
	struct argon2 *a = state;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	(void)self;
	(void)args;
	a->running_max = cores > 0 ? (uint32_t)cores : 1;
	return FL_OK;
}

static void on_release(void *state)
{
	struct argon2 *a = state;

	for (job *next; a->first != NULL; a->first = next) {
		next = a->first->next;
		job_free(a->first);
	}
}

static const fl_behaviour server = {
	.name = "argon2",
	.state_size = sizeof(struct argon2),
	.init = on_init,
	.call = on_call,
	.release = on_release,
};

FL_MODULE(&server);
FL_DOCS({"argon2", NULL, "Hashes of passwords by Argon2id, off the schedulers of the BEAM."},
	{"argon2", "call {hash, Password :: binary()} -> {ok, binary()} | {error, atom()}",
		"In the encoded form, with OWASP's costs: 2 passes over 19 MiB."},
	{"argon2",
		"call {hash_with, Password :: binary(), Time :: 1..64, MemoryKib :: 8..524288, Lanes :: "
		"1..16} -> {ok, binary()} | {error, atom()}",
		"The same with costs of your own: Time * MemoryKib is at most 1048576."},
	{"argon2",
		"call {verify, Encoded :: binary(), Password :: binary()} -> {ok, boolean()} | {error, "
		"atom()}",
		"Whether it is the password of an encoded hash."},
	{"argon2", "call stats -> #{atom() => non_neg_integer()}",
		"What runs and waits, and the memory of both; what was done, refused, given up."});
