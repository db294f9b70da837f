/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_H
#define FLITCH_H

/* flitch: an Erlang node in C. Everything but <flitch/ei.h>, which needs erl_interface. */

#include "flitch/agent.h"
#include "flitch/docs.h"
#include "flitch/durable.h"
#include "flitch/error.h"
#include "flitch/events.h"
#include "flitch/global.h"
#include "flitch/large.h"
#include "flitch/log.h"
#include "flitch/node.h"
#include "flitch/pg.h"
#include "flitch/pick.h"
#include "flitch/pool.h"
#include "flitch/process.h"
#include "flitch/pubsub.h"
#include "flitch/registry.h"
#include "flitch/resilience.h"
#include "flitch/server.h"
#include "flitch/singleton.h"
#include "flitch/statem.h"
#include "flitch/supervisor.h"
#include "flitch/table.h"
#include "flitch/task.h"
#include "flitch/term.h"

#define FL_VERSION "0.1.0"

#endif
