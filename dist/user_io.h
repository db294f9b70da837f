/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_USER_IO_H
#define FLI_DIST_USER_IO_H

/*
 * Where other nodes write to: the server `user` takes io requests, `logger_proxy` and `logger` take
 * log events. Both end up in the node's log.
 *
 *     {io_request, From, ReplyAs, Request} -> {io_reply, ReplyAs, ok | {error, _}}
 *     {log, Level, Format, Args, Meta}, {log, Level, Report, Meta}
 *
 * A C node has no terminal: whoever reads from it gets `eof`, as from an OTP node whose input is at
 * its end.
 *
 * Threads, memory: as any server. Limits: FLI_USER_TEXT_BYTES_MAX of one request, the rest is cut;
 * a line without an end is logged after FLI_USER_LINE_BYTES_MAX bytes or FLI_USER_IDLE_MS.
 */

#include "flitch/server.h"

enum { FLI_USER_TEXT_BYTES_MAX = 1 << 20, FLI_USER_LINE_BYTES_MAX = 2000, FLI_USER_IDLE_MS = 200 };

extern const fl_behaviour fli_user_io;
extern const fl_behaviour fli_log_proxy; /* registered twice: logger_proxy, logger */

#endif
