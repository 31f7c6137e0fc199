/* The sandbox of a worker: each case in a child, which no test comes back from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/common/file.h"
#include "server/common/landlock.h"
#include "server/worker/sandbox.h"

#ifdef SANDBOX_RELAXED
enum { RELAXED = 1 };
#else
enum { RELAXED = 0 };
#endif

#define EXPECT(what)                                                                                                   \
	do {                                                                                                           \
		if (!(what)) {                                                                                         \
			fprintf(stderr, "line %d: %s; errno %d\n", __LINE__, #what, errno);                            \
			_exit(1);                                                                                      \
		}                                                                                                      \
	} while (0)

static char folder[64], inside[96], beside[96];

static int open_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/qlstm-sandbox-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(inside, sizeof inside, "%s/inside", folder);
	snprintf(beside, sizeof beside, "%s/beside", folder);
	return file_make_directory(inside, NULL) != 0 || file_write_atomic(folder, "beside", "b", 1, NULL) != 0 ||
	               file_write_atomic(folder, "other", "o", 1, NULL) != 0 ||
	               file_write_atomic(inside, "kept", "k", 1, NULL) != 0
	           ? -1
	           : 0;
}

static int close_folder(void **state)
{
	(void)state;
	return file_remove_tree(folder, NULL);
}

static const char *path(const char *name)
{
	static char text[160];
	snprintf(text, sizeof text, "%s/%s", folder, name);
	return text;
}

static int status_of(void (*child)(void))
{
	int status = 0;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		child();
		_exit(0);
	}
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid);
	return status;
}

static void enter(bool writes)
{
	sandbox_enter(&(struct sandbox){inside, writes, {beside, "/nowhere/at/all"}, (size_t)64 << 20, 2});
}

static bool opens(const char *name, int flags)
{
	int fd = open(name, flags, 0600);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool refused(int result, int number)
{
	return result == -1 && errno == number;
}

static void *answer(void *context)
{
	void *bytes = malloc(1 << 20);
	EXPECT(bytes != NULL);
	free(bytes);
	return context;
}

static void of_calls(void)
{
	char *const words[] = {"/bin/true", NULL};
	pthread_t thread;
	void *answered = NULL;
	int pair[2];
	enter(true);
	EXPECT(refused(socket(AF_INET, SOCK_STREAM, 0), EPERM) && refused(socket(AF_UNIX, SOCK_DGRAM, 0), EPERM));
	EXPECT(refused(socket(AF_NETLINK, SOCK_RAW, 0), EPERM) &&
	       refused(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), EPERM));
	EXPECT(refused(execve(words[0], words, words + 1), EPERM));
	EXPECT(refused((int)fork(), ENOSYS) && refused((int)vfork(), EPERM));
	EXPECT(refused((int)ptrace(PTRACE_TRACEME, 0, NULL, NULL), EPERM));
	EXPECT(refused(kill(getppid(), SIGCONT), EPERM));
	EXPECT(refused(chdir("/"), ENOSYS) && refused(symlink("a", "b"), ENOSYS) &&
	       refused(chmod(inside, 0777), ENOSYS));
	EXPECT(pthread_create(&thread, NULL, answer, inside) == 0 && pthread_join(thread, &answered) == 0);
	EXPECT(answered == inside);
}

/* What reaches another process of the same user: its parent, as a worker's is the daemon. */
static void of_others(void)
{
	struct rlimit few = {1, 1}, own;
	cpu_set_t cpus;
	char bytes[1], name[64];
	int ends[2], parent = (int)getppid();
	snprintf(name, sizeof name, "/proc/%d/mem", parent);
	EXPECT(pipe(ends) == 0);
	enter(true);
	EXPECT(refused((int)syscall(SYS_tgkill, parent, parent, SIGCONT), ENOSYS));
	EXPECT(refused((int)syscall(SYS_tkill, parent, SIGCONT), EPERM));
	EXPECT(refused((int)syscall(SYS_rt_sigqueueinfo, parent, SIGCONT, NULL), ENOSYS));
	EXPECT(refused((int)syscall(SYS_pidfd_open, parent, 0), ENOSYS));
	EXPECT(refused(fcntl(ends[0], F_SETOWN, parent), ENOSYS) && refused(fcntl(ends[0], F_SETSIG, SIGKILL), ENOSYS));
	EXPECT(refused(ioctl(ends[0], FIOSETOWN, &parent), ENOSYS) && refused(ioctl(ends[0], TIOCSTI, "x"), ENOSYS));
	EXPECT(refused(prlimit(parent, RLIMIT_NOFILE, &few, NULL), ENOSYS));
	EXPECT(refused(setpriority(PRIO_PROCESS, (id_t)parent, 19), ENOSYS));
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	EXPECT(refused(sched_setaffinity(parent, sizeof cpus, &cpus), ENOSYS));
	struct iovec iov = {bytes, 1};
	EXPECT(refused((int)process_vm_readv(parent, &iov, 1, &iov, 1, 0), EPERM));
	EXPECT(refused((int)process_vm_writev(parent, &iov, 1, &iov, 1, 0), ENOSYS));
	EXPECT(!opens(name, O_RDONLY) && !opens(name, O_RDWR));
	EXPECT(refused(prctl(PR_SET_PDEATHSIG, 0), ENOSYS) && refused(prctl(PR_SET_DUMPABLE, 1), ENOSYS));
	/* what is its own goes on */
	EXPECT(getrlimit(RLIMIT_NOFILE, &own) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
	EXPECT(!isatty(ends[0]) && signal(SIGUSR1, SIG_IGN) != SIG_ERR && raise(SIGUSR1) == 0);
}

/* Ways round the calls that are forbidden. */
static void of_byways(void)
{
	static const int calls[] = {SYS_io_uring_setup,
	                            SYS_io_uring_enter,
	                            SYS_io_uring_register,
	                            SYS_memfd_create,
	                            SYS_userfaultfd,
	                            SYS_bpf,
	                            SYS_perf_event_open,
	                            SYS_keyctl,
	                            SYS_unshare,
	                            SYS_setns,
	                            SYS_mount,
	                            SYS_pidfd_getfd,
	                            SYS_openat2,
	                            SYS_clone3,
	                            SYS_timer_create,
	                            SYS_shmget,
	                            SYS_mq_open,
	                            SYS_accept4,
	                            SYS_name_to_handle_at,
	                            SYS_truncate};
	enter(true);
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
		errno = 0;
		if (syscall(calls[i], 0, 0, 0, 0, 0, 0) != -1 || errno != ENOSYS) {
			fprintf(stderr, "call %d: errno %d\n", calls[i], errno);
			_exit(1);
		}
	}
	/* a file that may only be read is not emptied either; one that may be written is */
	EXPECT(!opens(beside, O_RDONLY | O_TRUNC) && errno == ENOSYS);
	EXPECT(opens(path("inside/kept"), O_WRONLY | O_TRUNC) && opens(path("inside/kept"), O_RDWR | O_TRUNC));
}

static void of_files(void)
{
	char name[160];
	enter(true);
	EXPECT(!opens("/etc/passwd", O_RDONLY) && errno == EACCES);
	EXPECT(!opens(path("other"), O_RDONLY) && errno == EACCES);
	EXPECT(!opens("/proc/self/status", O_RDONLY) && errno == EACCES);
	EXPECT(!opens(path("inside/../other"), O_RDONLY) && !opens("/etc", O_RDONLY | O_DIRECTORY));
	EXPECT(!opens(path("new"), O_WRONLY | O_CREAT) && errno == EACCES);
	EXPECT(!opens("/tmp/new", O_WRONLY | O_CREAT) && refused(unlink(path("other")), EACCES));
	EXPECT(opens(beside, O_RDONLY) && !opens(beside, O_WRONLY) && errno == EACCES);
	EXPECT(opens(path("inside/kept"), O_RDWR) && opens(inside, O_RDONLY | O_DIRECTORY));
	EXPECT(file_write_atomic(inside, "new", "n", 1, NULL) == 0 && unlink(path("inside/new")) == 0);
	snprintf(name, sizeof name, "%s", path("inside/deep/down"));
	EXPECT(file_make_directory(name, NULL) == 0 || errno == EACCES); /* it syncs parents, which it may not open */
}

static void of_a_folder_to_read(void)
{
	enter(false);
	EXPECT(opens(path("inside/kept"), O_RDONLY) && opens(beside, O_RDONLY));
	EXPECT(!opens(path("inside/kept"), O_WRONLY) && errno == EACCES);
	EXPECT(!opens(path("inside/new"), O_WRONLY | O_CREAT) && errno == EACCES);
	EXPECT(refused(unlink(path("inside/kept")), EACCES));
}

static void of_memory(void)
{
	enter(true);
	EXPECT(mmap(NULL, (size_t)256 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	EXPECT(mmap(NULL, (size_t)4 << 30, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	EXPECT(errno == ENOMEM);
}

/* Whatever the kernel and the build. */
static void of_everybody(void)
{
	struct rlimit core;
	int signal = 0;
	enter(true);
	EXPECT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	EXPECT(prctl(PR_GET_PDEATHSIG, &signal) == 0 && signal == SIGKILL);
	EXPECT(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
}

static void everywhere(void **state)
{
	(void)state;
	assert_int_equal(status_of(of_everybody), 0);
}

static void calls(void **state)
{
	(void)state;
	if (RELAXED)
		skip();
	assert_int_equal(status_of(of_calls), 0);
	assert_int_equal(status_of(of_byways), 0);
	if (landlock_version() > 0) /* it keeps /proc closed */
		assert_int_equal(status_of(of_others), 0);
}

static void files(void **state)
{
	(void)state;
	if (RELAXED || landlock_version() == 0)
		skip();
	assert_int_equal(status_of(of_files), 0);
	assert_int_equal(status_of(of_a_folder_to_read), 0);
}

static void memory(void **state)
{
	(void)state;
	if (RELAXED)
		skip();
	assert_int_equal(status_of(of_memory), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(everywhere, open_folder, close_folder),
	    cmocka_unit_test_setup_teardown(calls, open_folder, close_folder),
	    cmocka_unit_test_setup_teardown(files, open_folder, close_folder),
	    cmocka_unit_test_setup_teardown(memory, open_folder, close_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
