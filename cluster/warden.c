/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals as events: one poll over a signalfd, stdin and an eventfd that ends the thread.
 *
 * Failure: where stopping hangs, in a handler or an init that never returns say, the program ends
 * itself after `shutdown_ms` with 75, so that a supervisor above it need not resort to SIGKILL.
 */
#include "cluster/warden.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cluster/main.h"

#define END ((uint64_t)1 << 32) /* on the eventfd; smaller words mean: look anew */

static void signals_of_ours(sigset_t *ret_set)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1};

	(void)sigemptyset(ret_set); /* neither fails for signals that exist */
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		(void)sigaddset(ret_set, signals[i]);
}

void fli_warden_block(void)
{
	sigset_t set;

	signals_of_ours(&set);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL); /* fails only for a wrong `how` */
	(void)signal(SIGPIPE, SIG_IGN);               /* a peer that closes is an error code */
}

static void stop(fli_warden *warden, const char *why)
{
	warden->is_stopping = true;
	fli_log_write(warden->config.log, FLI_NOTICE, "%s - shutting down", why);
	if (warden->config.node != NULL)
		fl_node_stop(warden->config.node);
}

static void stop_or_end(fli_warden *warden, int signal, const char *why)
{
	if (warden->is_stopping)
		_exit(128 + signal);
	stop(warden, why);
}

/* Under the lock, so that the node is there. */
static void on_signal(fli_warden *warden, int signal)
{
	const fli_warden_config *config = &warden->config;
	bool serves = config->node != NULL && !warden->is_stopping;

	if (signal == SIGQUIT)
		_exit(128 + SIGQUIT);
	if (signal == SIGTERM)
		stop_or_end(warden, signal, "SIGTERM received");
	else if (signal == SIGINT)
		stop_or_end(warden, signal, "SIGINT received");
	else if (signal == SIGHUP && serves)
		config->on_reload(config->ctx);
	else if (signal == SIGUSR1 && serves)
		config->on_dump(config->ctx);
}

static void read_signals(fli_warden *warden)
{
	struct signalfd_siginfo info;

	while (read(warden->signal_fd, &info, sizeof info) == (ssize_t)sizeof info)
		on_signal(warden, (int)info.ssi_signo);
}

/* What the parent writes is not for us; that it ended is. */
static bool stdin_has_ended(void)
{
	char ignored[512];
	ssize_t got = read(STDIN_FILENO, ignored, sizeof ignored);

	return got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN);
}

static void look(fli_warden *warden, struct pollfd fds[3])
{
	(void)pthread_mutex_lock(&warden->lock); /* neither fails for a lock that is right */
	if (fds[1].revents != 0)
		read_signals(warden);
	if (fds[2].revents != 0 && stdin_has_ended()) {
		fds[2].fd = -1;
		if (!warden->is_stopping)
			stop(warden, "stdin closed by the parent");
	}
	(void)pthread_mutex_unlock(&warden->lock);
}

static int limit_of(fli_warden *warden)
{
	int limit_ms = -1;

	(void)pthread_mutex_lock(&warden->lock);
	if (warden->is_stopping && warden->config.shutdown_ms > 0)
		limit_ms = (int)warden->config.shutdown_ms;
	(void)pthread_mutex_unlock(&warden->lock);
	return limit_ms;
}

/* True when the thread is to end; a first word on the eventfd only sets the time limit. */
static bool has_ended(int fd)
{
	uint64_t words = 0;

	return read(fd, &words, sizeof words) == (ssize_t)sizeof words && words >= END;
}

static void *watch(void *arg)
{
	fli_warden *warden = arg;
	struct pollfd fds[] = {{.fd = warden->end_fd, .events = POLLIN},
		{.fd = warden->signal_fd, .events = POLLIN},
		{.fd = warden->config.watches_stdin ? STDIN_FILENO : -1, .events = POLLIN}};

	for (;;) {
		int limit_ms = limit_of(warden), ready = poll(fds, 3, limit_ms);

		if (ready == 0) {
			fli_log_write(warden->config.log, FLI_ERROR,
				"the stop took longer than %d ms: ending at once", limit_ms);
			_exit(FLI_EXIT_TEMPORARY);
		}
		if (ready > 0 && fds[0].revents != 0 && has_ended(warden->end_fd))
			return NULL;
		if (ready > 0)
			look(warden, fds);
	}
}

int fli_warden_create(fli_warden *warden, const fli_warden_config *config, fl_error *err)
{
	sigset_t set;

	*warden = (fli_warden){.config = *config, .lock = PTHREAD_MUTEX_INITIALIZER};
	signals_of_ours(&set);
	warden->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	warden->end_fd = eventfd(0, EFD_CLOEXEC);
	if (warden->signal_fd >= 0 && warden->end_fd >= 0 &&
		pthread_create(&warden->thread, NULL, watch, warden) == 0)
		return FL_OK;
	if (warden->signal_fd >= 0)
		(void)close(warden->signal_fd); /* nothing was written */
	if (warden->end_fd >= 0)
		(void)close(warden->end_fd);
	return fl_error_set(err, FL_EIO, "cannot watch for signals: %s", strerror(errno));
}

static void tell(fli_warden *warden, uint64_t words)
{
	ssize_t written = write(warden->end_fd, &words, sizeof words);

	(void)written; /* an eventfd that is nearly at zero takes it */
}

bool fli_warden_attach(fli_warden *warden, fl_node *node)
{
	bool goes_on;

	(void)pthread_mutex_lock(&warden->lock);
	warden->config.node = node;
	goes_on = !warden->is_stopping;
	if (!goes_on)
		fl_node_stop(node);
	(void)pthread_mutex_unlock(&warden->lock);
	return goes_on;
}

void fli_warden_let_go(fli_warden *warden)
{
	(void)pthread_mutex_lock(&warden->lock);
	warden->is_stopping = true;
	(void)pthread_mutex_unlock(&warden->lock);
	tell(warden, 1);
}

void fli_warden_destroy(fli_warden *warden)
{
	tell(warden, END);
	(void)pthread_join(warden->thread, NULL);
	(void)close(warden->signal_fd);
	(void)close(warden->end_fd);
	(void)pthread_mutex_destroy(&warden->lock);
}
