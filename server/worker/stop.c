/* Ways a worker is made to end. */
#include "server/worker/stop.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "server/worker/command.h"

enum { STEPS_BACK = 5 }; /* of niceness */

static volatile sig_atomic_t requested, for_good;

static void on_signal(int number)
{
	if (number == SIGURG)
		for_good = 1;
	else
		requested = 1;
}

void stop_install(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	sigemptyset(&action.sa_mask);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGURG, &action, NULL);
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigemptyset(&ignore.sa_mask);
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL);
}

bool stop_requested(void)
{
	return requested != 0;
}

bool stop_for_good(void)
{
	return for_good != 0;
}

/* The daemon goes first, and whoever works on the machine. Linux may weigh sessions against each other (autogroup), and
 * a worker has a session of its own: then the session's weight counts, not the process's. A worker at full priority is
 * no worse a worker. */
static void step_back(void)
{
	errno = 0;
	if (nice(STEPS_BACK) == -1 && errno != 0)
		return;
	FILE *session = fopen("/proc/self/autogroup", "we");
	if (session == NULL)
		return;
	fprintf(session, "%d", STEPS_BACK);
	fclose(session);
}

/* Stepping back comes first: a process that cannot be dumped may not write to its own /proc. */
void stop_harden(void)
{
	step_back();
	const struct rlimit none = {0};
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* The daemon never writes; what comes is thrown away until the end of file. */
static void *watch(void *context)
{
	(void)context;
	char bytes[256];
	for (;;) {
		struct pollfd entry = {.fd = STDIN_FILENO, .events = POLLIN};
		if (poll(&entry, 1, -1) < 0) {
			if (errno == EINTR)
				continue;
			_exit(WORKER_ORPHAN);
		}
		ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);
		if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
			_exit(WORKER_ORPHAN);
	}
	return NULL;
}

int stop_watch_stdin(struct qlstm_error *error)
{
	/* Signals are for the thread that computes. */
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_t thread;
	int number = pthread_create(&thread, NULL, watch, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (number != 0)
		return error_set(error, ERR_INTERNAL, NULL, "cannot start the watchdog: %s", strerror(number));
	pthread_detach(thread);
	return 0;
}
