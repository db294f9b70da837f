/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_AGENT_H
#define FLITCH_AGENT_H

/*
 * Elixir's Agent: a process that holds one term.
 *
 *     {.behaviour = &fl_agent, .name = "totals", .args = "#{}"}      a child, the state #{}
 *     Agent.update({:totals, node}, :calc, :add, [1])                from Elixir
 *     fl_agent_get(self, "totals", 5000, &value, "{calc, sum, []}")  from C
 *
 * What is done to it is the name of an exported function, {Module, Function, Args}: it is called
 * with the state before Args, in the agent's process. As in Elixir, one that raises ends the agent.
 * A fun is Erlang code: the call ends with `cannot_run_erlang_code`, the agent lives.
 * 'Elixir.Function':identity/1 is there, for the whole state.
 *
 * The requests are those of Elixir's Agent.Server, so these functions also ask an agent on a BEAM.
 *
 * Threads, memory, errors: as fl_call and fl_cast. Limits: the size of a message.
 */

#include "flitch/server.h"

/* Its init takes the state. */
extern const fl_behaviour fl_agent;

/* Agent.start_link, or without the link: options as for fl_start. */
#define fl_agent_start(self, options, ret_pid, ...)                                                \
	fl_start_spec((self), &fl_agent, (options), (ret_pid), fl_spec(__VA_ARGS__))

typedef struct fl_agent_ask {
	const char *what; /* get, update, get_and_update */
	uint32_t timeout_ms;
	fl_term *ret_value; /* may be NULL */
} fl_agent_ask;

int fl_agent_ask_spec(fl_proc *self, fl_dest agent, fl_agent_ask how, fl_spec mfa);
#define fli_agent_ask(self, agent, what, timeout_ms, ret_value, ...)                               \
	fl_agent_ask_spec((self), fl_to(agent), (fl_agent_ask){what, (timeout_ms), (ret_value)},   \
		fl_spec(__VA_ARGS__))
/* What the function returns. */
#define fl_agent_get(self, agent, timeout_ms, ret_value, ...)                                      \
	fli_agent_ask(self, agent, "get", timeout_ms, ret_value, __VA_ARGS__)
/* What it returns is the new state. */
#define fl_agent_update(self, agent, timeout_ms, ...)                                              \
	fli_agent_ask(self, agent, "update", timeout_ms, NULL, __VA_ARGS__)
/* It returns {Value, NewState}; anything else ends the agent with {bad_return_value, _}. */
#define fl_agent_get_and_update(self, agent, timeout_ms, ret_value, ...)                           \
	fli_agent_ask(self, agent, "get_and_update", timeout_ms, ret_value, __VA_ARGS__)
/* update, without waiting. */
#define fl_agent_cast(self, agent, ...)                                                            \
	fl_agent_cast_spec((self), fl_to(agent), fl_spec(__VA_ARGS__))
int fl_agent_cast_spec(fl_proc *self, fl_dest agent, fl_spec mfa);

#endif
