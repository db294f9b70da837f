/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `ready MS COMMAND...` starts a node and looks at it: how long until its line READY, and after MS
 * of idling, how much anonymous memory it holds and how much processor time the idling took. It
 * ends what it started.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static pid_t start(char **command, FILE **ret_out)
{
	int ends[2];
	pid_t pid;

	if (pipe(ends) != 0)
		abort();
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		close(ends[0]);
		close(ends[1]);
		execvp(command[0], command);
		_exit(127);
	}
	close(ends[1]);
	*ret_out = fdopen(ends[0], "r");
	return pid;
}

static bool await_ready(FILE *out)
{
	char line[1024];

	while (fgets(line, sizeof line, out) != NULL)
		if (strncmp(line, "READY", 5) == 0)
			return true;
	return false;
}

/* A field of a file in /proc/PID, or -1. */
static double field(pid_t pid, const char *file, const char *format)
{
	char path[64], line[512];
	double value = -1;
	FILE *in;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
	in = fopen(path, "r");
	while (in != NULL && fgets(line, sizeof line, in) != NULL)
		if (sscanf(line, format, &value) == 1)
			break;
	if (in != NULL)
		fclose(in);
	return value;
}

/* Clock ticks in user and in kernel mode. */
static double ticks(pid_t pid)
{
	const char *user = "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lf";
	const char *system = "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %lf";

	return field(pid, "stat", user) + field(pid, "stat", system);
}

int main(int argc, char **argv)
{
	double begin = now_ms(), ready, used, idle_ms;
	FILE *out;
	pid_t pid;

	if (argc < 3)
		return 64;
	idle_ms = atof(argv[1]);
	pid = start(argv + 2, &out);
	if (!await_ready(out)) {
		fprintf(stderr, "ready: %s did not get ready\n", argv[2]);
		return 1;
	}
	ready = now_ms() - begin;
	usleep(200000); /* whatever start-up leaves to do */
	used = ticks(pid);
	usleep((useconds_t)(idle_ms * 1000));
	used = ticks(pid) - used;
	printf("ready_ms %.2f\n", ready);
	printf("anonymous_mb %.2f\n", field(pid, "smaps_rollup", "Anonymous: %lf") / 1024);
	printf("idle_cpu %.2f\n", 100 * used * 1000 / (double)sysconf(_SC_CLK_TCK) / idle_ms);
	kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	return 0;
}
