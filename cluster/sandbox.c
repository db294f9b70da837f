/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving up rights, for good.
 *
 *  - run.user: groups, group, user, in that order; that root cannot come back is tried.
 *  - run.sandbox: no core file and no debugger (the cookie and keys are in memory), no new rights
 *    by programs that have more, and a filter that refuses the system calls below with EPERM, in
 *    all threads at once.
 *
 * The filter is a list of what is refused and not of what is allowed: what a loaded server does is
 * its author's business, but none runs programs, traces others, mounts or loads into the kernel. So
 * `auto` starts no epmd any more where one is lost; it waits until there is one again.
 */
#include "cluster/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

static const int refused[] = {SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv,
	SYS_process_vm_writev, SYS_pidfd_getfd, SYS_mount, SYS_umount2, SYS_open_tree,
	SYS_move_mount, SYS_fsopen, SYS_fsmount, SYS_fspick, SYS_mount_setattr, SYS_pivot_root,
	SYS_chroot, SYS_setns, SYS_unshare, SYS_init_module, SYS_finit_module, SYS_delete_module,
	SYS_kexec_load, SYS_kexec_file_load, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd,
	SYS_add_key, SYS_request_key, SYS_keyctl, SYS_reboot, SYS_swapon, SYS_swapoff, SYS_acct,
	SYS_settimeofday, SYS_clock_settime, SYS_clock_adjtime, SYS_adjtimex, SYS_sethostname,
	SYS_setdomainname, SYS_quotactl, SYS_open_by_handle_at, SYS_personality, SYS_setuid,
	SYS_setgid, SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid, SYS_setgroups,
	SYS_capset};

enum { REFUSED_COUNT = sizeof refused / sizeof *refused, HEAD = 13 };

/* What unshare does, done by clone: with a user namespace of one's own rights come back. */
#define NEW_SPACES                                                                                 \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
		CLONE_NEWPID | CLONE_NEWNET)

static int failed(const char *what, fl_error *err)
{
	fl_error_set(err, FL_EIO, "cannot give up rights: %s: %s", what, strerror(errno));
	fl_error_why(err, "the kernel, or the container that this runs in, does not allow it");
	fl_error_next(err, "start without run.user and run.sandbox, or allow it");
	return FL_EIO;
}

/* ---- the user -------------------------------------------------------------------------------- */

static const struct passwd *user_of(const fl_options *options, fl_error *err)
{
	const char *name = fli_options_text(options, FLI_KEY_RUN_USER);
	const struct passwd *user = getpwnam(name);

	if (user != NULL && user->pw_uid != 0)
		return user;
	fl_error_set(err, FL_ECONFIG, "%s: run.user = %s is %s",
		fli_options_origin(options, FLI_KEY_RUN_USER), name,
		user == NULL ? "no user of this machine" : "root");
	fl_error_why(err, "it is the user whose rights are left when the node listens");
	fl_error_next(err, "name one that exists, such as nobody, or make one for the node");
	return NULL;
}

int fli_sandbox_check_options(const fl_options *options, fl_error *err)
{
	const struct passwd *user;

	if (*fli_options_text(options, FLI_KEY_RUN_USER) == '\0')
		return FL_OK;
	user = user_of(options, err);
	if (user == NULL)
		return FL_ECONFIG;
	if (geteuid() == 0 || geteuid() == user->pw_uid)
		return FL_OK;
	fl_error_set(err, FL_ECONFIG, "%s: run.user needs to be started by root",
		fli_options_origin(options, FLI_KEY_RUN_USER));
	fl_error_why(err, "who is not root can become nobody else");
	fl_error_next(err, "start it as that user in the first place");
	return FL_ECONFIG;
}

static int become(const fl_options *options, fl_error *err)
{
	const struct passwd *user = user_of(options, err);

	if (user == NULL)
		return FL_ECONFIG;
	if (geteuid() == user->pw_uid)
		return FL_OK;
	if (initgroups(user->pw_name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
		setuid(user->pw_uid) != 0)
		return failed("become another user", err);
	if (setuid(0) == 0) {
		errno = EPERM;
		return failed("root came back", err);
	}
	return FL_OK;
}

/* ---- the filter ------------------------------------------------------------------------------ */

#ifdef ARCH
/* In: the number and the architecture of a system call. Out: whether it is made. */
static int filter(fl_error *err)
{
	struct sock_filter code[HEAD + REFUSED_COUNT + 2] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		/* calls of another kind (x32) have the same numbers and a bit */
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000u, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		/* its flags are in memory, where no filter looks; libc then takes clone for threads
		 */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NEW_SPACES, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {.len = HEAD + REFUSED_COUNT + 2, .filter = code};

	for (unsigned i = 0; i < REFUSED_COUNT; i++)
		code[HEAD + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
			(unsigned)refused[i], (unsigned char)(REFUSED_COUNT - i), 0);
	code[HEAD + REFUSED_COUNT] =
		(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[HEAD + REFUSED_COUNT + 1] =
		(struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0)
		return failed("seccomp", err);
	return FL_OK;
}
#else
static int filter(fl_error *err)
{
	errno = ENOSYS;
	return failed("no filter for this processor", err);
}
#endif

static int shut(fl_error *err)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return failed("core files", err);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return failed("no_new_privs", err);
	return filter(err);
}

int fli_sandbox_enter(const fl_options *options, fl_error *err)
{
	int rc = FL_OK;

	if (*fli_options_text(options, FLI_KEY_RUN_USER) != '\0')
		rc = become(options, err);
	if (rc == FL_OK && fli_options_bool(options, FLI_KEY_RUN_SANDBOX))
		rc = shut(err);
	return rc;
}
