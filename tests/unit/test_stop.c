/* Ways a worker is made to end, each in a process of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/worker/command.h"
#include "server/worker/stop.h"

/* The status with which `child` ends; -1 for a signal. */
static int status_of(void (*child)(void))
{
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(60);
		child();
		_exit(99);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define EXPECT(condition)                                                                                              \
	if (!(condition)) {                                                                                            \
		fprintf(stderr, "%d: %s\n", __LINE__, #condition);                                                     \
		_exit(1);                                                                                              \
	}

static void terminated(void)
{
	stop_install();
	EXPECT(!stop_requested());
	raise(SIGTERM);
	EXPECT(stop_requested());
	_exit(0);
}

static void interrupted(void)
{
	stop_install();
	raise(SIGINT);
	EXPECT(stop_requested());
	raise(SIGINT);
	_exit(0);
}

/* A signal that only sets a flag interrupts no read. */
static void restarted(void)
{
	struct sigaction action;
	stop_install();
	EXPECT(sigaction(SIGTERM, NULL, &action) == 0 && (action.sa_flags & SA_RESTART) != 0);
	EXPECT(sigaction(SIGINT, NULL, &action) == 0 && (action.sa_flags & SA_RESTART) != 0);
	_exit(0);
}

static void written_to_nobody(void)
{
	int ends[2];
	stop_install();
	EXPECT(pipe(ends) == 0 && close(ends[0]) == 0);
	EXPECT(write(ends[1], "x", 1) == -1 && errno == EPIPE);
	EXPECT(!stop_requested());
	_exit(0);
}

static void written_past_the_limit(void)
{
	char name[] = "/tmp/qlstm-stop-XXXXXX";
	stop_install();
	int fd = mkstemp(name);
	EXPECT(fd >= 0 && unlink(name) == 0);
	EXPECT(setrlimit(RLIMIT_FSIZE, &(struct rlimit){4, 4}) == 0);
	EXPECT(write(fd, "12345678", 8) == 4);
	EXPECT(write(fd, "12345678", 8) == -1 && errno == EFBIG);
	_exit(0);
}

static void hardened(void)
{
	struct rlimit core;
	int before = getpriority(PRIO_PROCESS, 0);
	stop_harden();
	EXPECT(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0);
	EXPECT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	EXPECT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	EXPECT(getpriority(PRIO_PROCESS, 0) == (before + 5 < 19 ? before + 5 : 19));
	_exit(0);
}

static void signals(void **state)
{
	(void)state;
	assert_int_equal(status_of(terminated), 0);
	assert_int_equal(status_of(interrupted), 0);
	assert_int_equal(status_of(restarted), 0);
	assert_int_equal(status_of(written_to_nobody), 0);
	assert_int_equal(status_of(written_past_the_limit), 0);
	assert_int_equal(status_of(hardened), 0);
}

static int input[2]; /* the child's standard input */

static void watching(void)
{
	sigset_t blocked;
	dup2(input[0], STDIN_FILENO);
	close(input[1]);
	stop_install();
	EXPECT(stop_watch_stdin(NULL) == 0);
	/* Signals are for this thread, also after the watchdog was started. */
	EXPECT(pthread_sigmask(SIG_SETMASK, NULL, &blocked) == 0 && sigismember(&blocked, SIGTERM) == 0);
	raise(SIGTERM);
	EXPECT(stop_requested());
	for (;;)
		pause();
}

/* Bytes are thrown away; the end of standard input ends the process, whatever it does. */
static void the_watchdog(void **state)
{
	(void)state;
	assert_int_equal(pipe(input), 0);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		alarm(60);
		watching();
	}
	int status;
	close(input[0]);
	for (int k = 0; k < 40; k++) {
		static const char bytes[1024];
		assert_int_equal(write(input[1], bytes, sizeof bytes), sizeof bytes);
	}
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	close(input[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), WORKER_ORPHAN);
}

static void closed_input(void)
{
	close(STDIN_FILENO);
	EXPECT(stop_watch_stdin(NULL) == 0);
	for (;;)
		pause();
}

static void no_input_at_all(void **state)
{
	(void)state;
	assert_int_equal(status_of(closed_input), WORKER_ORPHAN);
	assert_int_equal(WORKER_DONE, 0);
	assert_int_equal(WORKER_FAILED, 1);
	assert_int_equal(WORKER_USAGE, 2);
	assert_int_equal(WORKER_STOPPED, 3);
	assert_int_equal(WORKER_ORPHAN, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(signals), cmocka_unit_test(the_watchdog),
	                                   cmocka_unit_test(no_input_at_all)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
