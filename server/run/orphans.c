/* Dead children of this process that are not the loop's. */
#include "server/run/orphans.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>

enum { AGAIN_MS = 10 };

struct orphans {
	uv_signal_t signal;
	uv_timer_t round;
	int open_handles;
};

struct search {
	pid_t pid;
	bool found;
};

static void compare_pid(uv_handle_t *handle, void *argument)
{
	struct search *search = argument;
	if (handle->type == UV_PROCESS && uv_process_get_pid((uv_process_t *)handle) == search->pid)
		search->found = true;
}

static bool is_loops_own(uv_loop_t *loop, pid_t pid)
{
	struct search search = {.pid = pid};
	uv_walk(loop, compare_pid, &search);
	return search.found;
}

/* The next dead child, without taking its status; 0: none. */
static pid_t next_dead(void)
{
	siginfo_t info = {0};
	int rc;
	do
		rc = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
	while (rc != 0 && errno == EINTR);
	return rc == 0 ? info.si_pid : 0;
}

/* One of the loop's own hides those behind it until libuv has taken its status. */
static void bury(uv_timer_t *round)
{
	pid_t pid;
	while ((pid = next_dead()) != 0 && !is_loops_own(round->loop, pid))
		waitpid(pid, NULL, WNOHANG);
	if (pid != 0)
		uv_timer_start(round, bury, AGAIN_MS, 0);
}

static void on_child(uv_signal_t *signal, int number)
{
	(void)number;
	struct orphans *orphans = signal->data;
	uv_timer_start(&orphans->round, bury, 0, 0);
}

static void on_closed(uv_handle_t *handle)
{
	struct orphans *orphans = handle->data;
	if (--orphans->open_handles == 0)
		free(orphans);
}

void orphans_close(struct orphans *orphans)
{
	if (orphans == NULL)
		return;
	uv_close((uv_handle_t *)&orphans->signal, on_closed);
	uv_close((uv_handle_t *)&orphans->round, on_closed);
}

int orphans_open(struct orphans **out, uv_loop_t *loop, struct qlstm_error *error)
{
	struct orphans *orphans = calloc(1, sizeof *orphans);
	if (orphans == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory to watch for dead children");
	if (uv_signal_init(loop, &orphans->signal) != 0) {
		free(orphans);
		return error_set(error, ERR_INTERNAL, NULL, "cannot watch signals");
	}
	uv_timer_init(loop, &orphans->round);
	orphans->signal.data = orphans;
	orphans->round.data = orphans;
	orphans->open_handles = 2;
	if (uv_signal_start(&orphans->signal, on_child, SIGCHLD) != 0) {
		orphans_close(orphans);
		return error_set(error, ERR_INTERNAL, NULL, "cannot watch signals");
	}
	*out = orphans;
	return 0;
}
