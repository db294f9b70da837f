/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_DOCS_H
#define FLITCH_DOCS_H

/*
 * What servers and functions say about themselves: a specification in Erlang's type notation and a
 * line of text each, of which `flitch describe` writes a client module for Erlang or Elixir.
 *
 *     FL_DOCS({"counter", "call {add, By :: integer()} -> integer()", "Adds to the total."},
 *             {"counter", "cast reset", "Back to zero."},
 *             {"counter", NULL, "Counts."},
 *             {"calc", "sum(Numbers :: [integer()]) -> integer()", "The sum of a list."});
 *
 * `call` and `cast` are requests of the server (or statem, or agent) of that name: an atom, or a
 * tuple that begins with one, which gives the client's function its name. Elements of the tuple
 * that are types, named by Name :: or not, become its arguments; atoms and numbers stay as they
 * are. Without either word it is a function of that module. The names Where and Timeout are the
 * client's own; two requests of one name differ by two arguments or more, since a client has one
 * for the timeout; funs, records and type variables cannot be written.
 *
 * A program that is a node itself has them in fl_program, or calls fl_node_document.
 *
 * Threads: any. Memory: the texts are borrowed and must outlive the node. Errors: none here: a
 * specification that cannot be read is told by `flitch describe`. Limits: 2,048 bytes and 16
 * arguments a specification.
 */

#include <stdint.h>

typedef struct fl_doc {
	const char *of;   /* the server's name, or the functions' module; NULL ends an array */
	const char *spec; /* NULL: the text is about all of it */
	const char *text; /* a sentence; may be NULL */
} fl_doc;

typedef struct fl_module_docs {
	uint32_t abi;
	uint32_t doc_size;
	const fl_doc *docs;
} fl_module_docs;

/* In a file for --load, beside FL_MODULE and FL_EXPORTS. */
#define FL_DOCS(...)                                                                               \
	static const fl_doc fli_documented[] = {__VA_ARGS__, {NULL, NULL, NULL}};                  \
	__attribute__((visibility("default"))) extern const fl_module_docs fl_docs_v1;             \
	const fl_module_docs fl_docs_v1 = {1, sizeof(fl_doc), fli_documented}

#endif
