/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_MSPEC_H
#define FLI_MSPEC_H

/*
 * Match specifications, compiled once and run on objects (ERTS User's Guide, "Match
 * Specifications in Erlang").
 *
 *     [{Head, Guards, Body}, ...]
 *       Head     nodes in the order of reading:  tuple 2 | var 1 | any
 *       Guards,  instructions for a stack:       var 1 | const 5 | call '>' | guard
 *       Body                                     var 1 | tuple 1 | result
 *
 * Patterns: any term with '_' and '$N'. Guards and bodies: '$N', '$_', '$$', {const, X}, {{...}},
 * lists and maps, type tests, comparisons, boolean and arithmetic functions, and those of the BIFs
 * that OTP allows and that need no process.
 *
 * Threads: a compiled one is immutable; a run belongs to one thread. Memory: both borrow the terms
 * that they were given; results are appended. Errors: FL_EINVAL for what is no specification,
 * FL_ENOMEM, FL_ELIMIT. Nothing recurses. Limits: FLI_MSPEC_NODES_MAX nodes and instructions,
 * FLI_MSPEC_VARS_MAX variables, FLI_MSPEC_BUILT_MAX bytes built for one object, FLI_MSPEC_STEPS_MAX
 * steps for all that one run looks at: a node that is matched, an instruction, and each 64 bytes
 * that one of these may read; integers of 127 bits; no {self}, no {node}, no trace functions.
 */

#include "flitch/table.h"
#include "node/base/mem.h"

enum { FLI_MSPEC_NODES_MAX = 4096, FLI_MSPEC_VARS_MAX = 256, FLI_MSPEC_BUILT_MAX = 64 << 20 };
#define FLI_MSPEC_STEPS_MAX (UINT64_C(1) << 32) /* of a run over a table: about a minute */

/* ---- the compiled form ----------------------------------------------------------------------- */

typedef enum fli_mnode_kind {
	FLI_M_ANY,
	FLI_M_VAR,   /* the first time: binds */
	FLI_M_AGAIN, /* the same term as before */
	FLI_M_CONST, /* =:= */
	FLI_M_TUPLE, /* `count` nodes follow */
	FLI_M_CONS,  /* head and tail follow */
	FLI_M_MAP    /* has the `count` keys; FLI_M_KEY and its value follow for each */
} fli_mnode_kind;

typedef struct fli_mnode {
	fli_mnode_kind kind;
	uint32_t count; /* or the variable's place */
	fl_term term;   /* of CONST; of MAP the map with its keys */
} fli_mnode;

typedef enum fli_mop_kind {
	FLI_OP_CONST,
	FLI_OP_VAR,
	FLI_OP_ALL,    /* '$$' */
	FLI_OP_OBJECT, /* '$_' */
	FLI_OP_TUPLE,  /* of `count` values */
	FLI_OP_LIST,   /* of `count` values and a tail */
	FLI_OP_MAP,    /* of `count` pairs */
	FLI_OP_CALL,
	FLI_OP_AND,     /* false: it stays, and on at `count`; true: it goes */
	FLI_OP_OR,      /* the other way round */
	FLI_OP_BOOLEAN, /* must be one */
	FLI_OP_GUARD,   /* must be true, and goes */
	FLI_OP_DROP,
	FLI_OP_RESULT
} fli_mop_kind;

typedef struct fli_mcall fli_mcall;

typedef struct fli_mop {
	fli_mop_kind kind;
	uint32_t count;
	const fli_mcall *call;
	fl_term term;
} fli_mop;

typedef struct fli_mclause {
	uint32_t node, nodes; /* the first, and how many */
	uint32_t op, ops;
	uint32_t vars;                        /* places */
	uint32_t numbers[FLI_MSPEC_VARS_MAX]; /* of the variables, by place */
	fl_term head;
} fli_mclause;

typedef struct fli_mspec {
	fli_mem *mem;
	uint32_t limit; /* of nodes and of instructions: what the terms can make */
	fli_mclause *clauses;
	uint32_t clauses_count;
	fli_mnode *nodes;
	uint32_t nodes_count;
	fli_mop *ops;
	uint32_t ops_count;
} fli_mspec;

int fli_mspec_compile(fli_mem *mem, fl_table_query query, fl_term spec, fli_mspec **ret_spec);
void fli_mspec_delete(fli_mspec *spec);
/* The one key that objects can have to match, where the head says it. */
bool fli_mspec_key(const fli_mspec *spec, uint32_t keypos, fl_term *ret_key);
/* Each body of a specification that compiles gives an object with the key of the one it had. */
bool fli_mspec_keeps_key(fl_term spec, uint32_t keypos);

/* ---- running --------------------------------------------------------------------------------- */

/* A value that was built on the way. */
typedef struct fli_mvalue {
	struct fli_mvalue *next;
	fl_buf buf;
} fli_mvalue;

typedef struct fli_mrun {
	const fli_mspec *spec;
	fl_term *stack; /* of subjects, then of values */
	fl_term vars[FLI_MSPEC_VARS_MAX];
	fl_term object;
	fli_mvalue *values;
	size_t built;   /* bytes in them, about */
	uint64_t steps; /* that are left */
	int error;      /* FL_ENOMEM, FL_ELIMIT; else FL_OK */
} fli_mrun;

int fli_mrun_create(fli_mrun *run, const fli_mspec *spec);
void fli_mrun_destroy(fli_mrun *run);
/*
 * True: it matches, and *ret_result, which is borrowed until the next run, is what the body gave.
 * False with run->error: it could not be said.
 */
bool fli_mspec_run(fli_mrun *run, fl_term object, fl_term *ret_result);

/* ---- between the files ----------------------------------------------------------------------- */

/* mspec_head.c */
int fli_mspec_head(fli_mspec *spec, fli_mclause *clause);
bool fli_mspec_match(fli_mrun *run, const fli_mclause *clause);
/* '$N'; false: another atom or term. */
bool fli_mspec_var(fl_term term, uint32_t *ret_number);
/* The place of the variable; false: it is not in the head. */
bool fli_mclause_place(const fli_mclause *clause, uint32_t number, uint32_t *ret_place);

/* mspec_body.c: guards and body of a clause into instructions. */
int fli_mspec_body(fli_mspec *spec, fli_mclause *clause, fl_term guards, fl_term body);

/* mspec_eval.c: a buffer that lives as long as the run of this object; NULL: run->error. */
fl_buf *fli_mrun_buf(fli_mrun *run);

/* Steps for what reads so many bytes; false: run->error. */
static inline bool fli_mrun_step(fli_mrun *run, size_t bytes)
{
	uint64_t cost = 1 + bytes / 64;

	if (FLI_LIKELY(run->steps >= cost)) {
		run->steps -= cost;
		return true;
	}
	run->error = FL_ELIMIT;
	return false;
}

/* mspec_calls.c */
struct fli_mcall {
	const char *name;
	uint32_t arity;
	/* False: it fails, as a guard does. `args` in order. */
	bool (*run)(fli_mrun *run, const fli_mcall *call, const fl_term *args, fl_term *ret_value);
	int which; /* of those that share a function */
};
/* NULL: there is none of that name and arity. */
const fli_mcall *fli_mcall_find(fl_atom name, uint32_t arity);
fl_term fli_mspec_bool(bool value);
fl_term fli_mspec_exit(void);

#endif
