/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_TESTS_LAB_H
#define FLITCH_TESTS_LAB_H

/*
 * Several nodes in one process, on one clock that the test moves, joined by a network of memory.
 *
 *     lab_open(&lab);  a = lab_add(&lab, "a@h.x", NULL);  b = ...
 *     lab_connect(a, b);  lab_run(&lab);  CU_ASSERT(lab_is_up(a, b));
 *
 * Bytes arrive at once, in order, unless the test cuts the two apart or stops a reader.
 *
 * Threads: the test's own. Memory: lab_open and lab_close.
 */

#include "dist/dist.h"
#include "dist/peers.h"
#include "node/sched.h"

enum { LAB_HOSTS_MAX = 8, LAB_LISTENS_MAX = 2 };

typedef struct lab lab;
typedef struct lab_sock lab_sock;

typedef struct lab_host {
	fli_net net;
	fli_port port;
	lab *lab;
	fl_node *node;
	fli_dist *dist;
	fli_dist_known known[LAB_HOSTS_MAX];
	char known_text[LAB_HOSTS_MAX][2][64];
	fli_listen_at listens[LAB_LISTENS_MAX]; /* the node's, and that of an epmd in it */
	uint16_t ports[LAB_LISTENS_MAX];        /* 0: nobody listens */
	fli_dist_watch watch;
	unsigned ups, downs;
	char reason[64];   /* of the last down */
	unsigned received; /* messages for the process `sink` */
	fl_pid sink;
	char log[16384];
} lab_host;

struct lab {
	uint64_t now_ms;
	uint64_t random;
	fli_mem *mem;
	lab_host hosts[LAB_HOSTS_MAX];
	size_t count;
	fli_link events;
	fli_link socks;
	bool is_cut;     /* nothing passes, and nobody is told */
	size_t window;   /* bytes that a socket takes before its reader has them */
	bool is_stopped; /* readers take nothing, so that windows fill */
};

void lab_open(lab *l, fli_mem *mem);
void lab_close(lab *l);
/*
 * A node that listens. `change` may change its configuration; every node knows the addresses of
 * LAB_HOSTS_MAX nodes beforehand, a@h.x, b@h.x, ... NULL: out of memory.
 */
lab_host *lab_add(lab *l, const char *name, void (*change)(fli_dist_config *config));
/* Everything that is under way happens, within some milliseconds. */
void lab_run(lab *l);
/* The clock moves on, timer by timer. */
void lab_pass(lab *l, uint64_t ms);

/* Asks for a connection; false: refused at once. */
bool lab_connect(lab_host *from, lab_host *to);
bool lab_want(lab_host *from, lab_host *to);
bool lab_disconnect(lab_host *from, lab_host *to);
bool lab_is_up(lab_host *from, lab_host *to);
fli_dist_peer *lab_peer(lab_host *from, lab_host *to);
/* Sends a term in Erlang notation to the process `sink` of the other node. */
int lab_send(lab_host *from, lab_host *to, const char *text);
bool lab_logged(const lab_host *host, const char *text);

/* A socket of nobody's: bytes into a node by hand. */
lab_sock *lab_visit(lab_host *to);
/* The same from 10.0.0.`last`, another machine. */
lab_sock *lab_visit_from(lab_host *to, uint8_t last);
/* Before lab_run. */
void lab_visit_is_from(lab_sock *sock, const fli_address *address);
void lab_visit_write(lab_sock *sock, const void *bytes, size_t size);
bool lab_visit_is_over(const lab_sock *sock);
/* What the node sent, as bytes. */
size_t lab_visit_read(lab_sock *sock, const uint8_t **ret_bytes);

/* The network loses the connections of a host on its own side; the other side hears nothing. */
void lab_forget_sockets(lab_host *host);

/* ---- between lab.c and lab_net.c ------------------------------------------------------------- */

fli_net lab_network(void);
/* Hands out what is under way; true when there was anything. */
bool lab_deliver(lab *l);
void lab_network_close(lab *l);

#endif
