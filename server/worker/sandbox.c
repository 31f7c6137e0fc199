/* The sandbox of a worker. */
#include "server/worker/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "server/common/landlock.h"

#ifdef SANDBOX_RELAXED
enum { RELAXED = 1 };
#else
enum { RELAXED = 0 };
#endif

/* Address space is not memory: a thread has a stack of 8 MiB and reserves an arena of 64 MiB for malloc, and libraries
 * are mapped. */
#define BYTES_BESIDE   ((size_t)1 << 30)
#define BYTES_A_THREAD ((size_t)160 << 20)

/* What glibc calls for the C and POSIX functions that a worker uses. Others are answered ENOSYS, so that a later glibc
 * falls back to what is here, as it does on an older kernel: clone3, whose arguments a filter cannot see, to clone. */
static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(pwrite64),
    SCMP_SYS(lseek),
    SCMP_SYS(close),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    /* files, below what Landlock leaves */
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(statx),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(rmdir),
    SCMP_SYS(getdents64),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getcwd),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate),
    SCMP_SYS(fadvise64),
    SCMP_SYS(flock),
    /* memory */
    SCMP_SYS(brk),
    SCMP_SYS(mmap),
    SCMP_SYS(mremap),
    SCMP_SYS(munmap),
    SCMP_SYS(mprotect),
    SCMP_SYS(madvise),
    SCMP_SYS(membarrier),
    /* threads and signals of its own */
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(rseq),
    SCMP_SYS(arch_prctl),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigtimedwait),
    SCMP_SYS(pause),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(getpriority),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    /* time, chance, limits */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(times),
    SCMP_SYS(getrusage),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrlimit),
    SCMP_SYS(setrlimit),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    /* a predictor's socket, which it has from the start */
    SCMP_SYS(sendto),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(shutdown),
};

/* Allowed where the argument at `position`, under the mask, has this value; of several rows for a call one is enough.
 */
struct narrow {
	int call;
	unsigned position;
	scmp_datum_t mask, value;
};

/* The kernel takes these arguments as 32 bits: what stands above them does not count. */
#define WORD UINT64_C(0xffffffff)

/* Without their arguments these reach other processes of the same user, the daemon among them: its limits (prlimit64),
 * signals to the owner of a descriptor (fcntl, ioctl). prctl would take back that this one dies with its parent. Before
 * Linux 6.2, Landlock does not keep a file that may be read from being emptied by an open for reading. */
static const struct narrow narrow[] = {
    {SCMP_SYS(fcntl), 1, WORD, F_DUPFD},
    {SCMP_SYS(fcntl), 1, WORD, F_DUPFD_CLOEXEC},
    {SCMP_SYS(fcntl), 1, WORD, F_GETFD},
    {SCMP_SYS(fcntl), 1, WORD, F_SETFD},
    {SCMP_SYS(fcntl), 1, WORD, F_GETFL},
    {SCMP_SYS(fcntl), 1, WORD, F_SETFL},
    {SCMP_SYS(ioctl), 1, WORD, TCGETS}, /* isatty */
    {SCMP_SYS(open), 1, O_TRUNC, 0},
    {SCMP_SYS(open), 1, O_ACCMODE, O_WRONLY},
    {SCMP_SYS(open), 1, O_ACCMODE, O_RDWR},
    {SCMP_SYS(openat), 2, O_TRUNC, 0},
    {SCMP_SYS(openat), 2, O_ACCMODE, O_WRONLY},
    {SCMP_SYS(openat), 2, O_ACCMODE, O_RDWR},
    {SCMP_SYS(prlimit64), 0, WORD, 0}, /* itself */
    {SCMP_SYS(prctl), 0, WORD, PR_SET_NAME},
    {SCMP_SYS(prctl), 0, WORD, PR_GET_NAME},
    {SCMP_SYS(prctl), 0, WORD, PR_GET_PDEATHSIG},
    {SCMP_SYS(prctl), 0, WORD, PR_GET_NO_NEW_PRIVS},
    {SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD}, /* a thread, not a process */
};

/* Answered EPERM: there is no older way to fall back to. */
static const int forbidden[] = {
    SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(connect), SCMP_SYS(bind),
    SCMP_SYS(execve), SCMP_SYS(execveat),   SCMP_SYS(fork),    SCMP_SYS(vfork),
    SCMP_SYS(ptrace), SCMP_SYS(kill),       SCMP_SYS(tkill),   SCMP_SYS(process_vm_readv),
};

static void allow(scmp_filter_ctx filter, const struct narrow *rule)
{
	const struct scmp_arg_cmp argument = {rule->position, SCMP_CMP_MASKED_EQ, rule->mask, rule->value};
	seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, rule->call, 1, &argument);
}

/* Calls that this machine does not have are no loss: their rules are not needed. */
static int confine_calls(void)
{
	const struct narrow own_threads = {SCMP_SYS(tgkill), 0, WORD, (scmp_datum_t)getpid()}; /* abort, raise */
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	if (filter == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
		seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++)
		seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), forbidden[i], 0);
	for (size_t i = 0; i < sizeof narrow / sizeof *narrow; i++)
		allow(filter, &narrow[i]);
	allow(filter, &own_threads);
	int rc = seccomp_load(filter);
	seccomp_release(filter);
	return rc;
}

static int confine_files(const struct sandbox *sandbox)
{
	struct landlock_path paths[SANDBOX_FILES + 1] = {{sandbox->folder, sandbox->writes}};
	for (int i = 0; i < SANDBOX_FILES; i++)
		paths[i + 1] = (struct landlock_path){sandbox->files[i], false};
	return landlock_restrict(paths, SANDBOX_FILES + 1) == 0 ? 0 : -errno;
}

static void set_limit(__rlimit_resource_t which, size_t bytes)
{
	struct rlimit limit;
	if (getrlimit(which, &limit) != 0)
		return;
	if (limit.rlim_max == RLIM_INFINITY || bytes < limit.rlim_max)
		limit.rlim_max = bytes;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(which, &limit);
}

static void say(const char *what, int rc)
{
	if (rc != 0)
		fprintf(stderr, "qlstm-worker: sandbox: without %s: %s\n", what, strerror(-rc));
}

void sandbox_enter(const struct sandbox *sandbox)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* the end of its standard input does not reach a stopped one */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	set_limit(RLIMIT_CORE, 0);
	if (RELAXED)
		return;
	if (sandbox->memory > 0) {
		size_t beside = BYTES_BESIDE + (size_t)sandbox->threads * BYTES_A_THREAD;
		set_limit(RLIMIT_AS, sandbox->memory + beside);
		set_limit(RLIMIT_FSIZE, 4 * sandbox->memory + beside); /* a number takes up to 25 bytes as text */
	}
	if (sandbox->folder != NULL)
		say("Landlock", confine_files(sandbox));
	say("seccomp", confine_calls());
}
