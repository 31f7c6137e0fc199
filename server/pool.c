/* The pool's threads are tried first, then left to libuv. */
#include "server/pool.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/http/log.h"

#define SPARE_THREADS 4 /* tried beside the pool's: the store's writer, and room for what requests allocate */

enum { MAX_TRIED = 1024 }; /* libuv's own limit for its pool */

static int n_threads;

static void wait_for_end(void *gate)
{
	uv_sem_wait(gate);
}

/* How many threads of libuv's stack size can be there at once, `wanted` at most. */
static int count_threads(int wanted)
{
	static uv_thread_t threads[MAX_TRIED + SPARE_THREADS];
	uv_sem_t gate;
	int started = 0;
	if (uv_sem_init(&gate, 0) != 0)
		return 0;
	while (started < wanted && uv_thread_create(&threads[started], wait_for_end, &gate) == 0)
		started++;
	for (int i = 0; i < started; i++)
		uv_sem_post(&gate);
	for (int i = 0; i < started; i++)
		uv_thread_join(&threads[i]);
	uv_sem_destroy(&gate);
	return started;
}

static int wanted_threads(void)
{
	const char *set = getenv("UV_THREADPOOL_SIZE");
	int wanted = set != NULL ? atoi(set) : POOL_THREADS;
	if (wanted < 1)
		return POOL_THREADS;
	return wanted < MAX_TRIED ? wanted : MAX_TRIED;
}

static void do_nothing(uv_work_t *work)
{
	(void)work;
}

static void mark_done(uv_work_t *work, int status)
{
	(void)status;
	*(int *)work->data = 1;
}

/* The first piece of work starts all of the pool's threads. */
static int start(uv_loop_t *loop, struct qlstm_error *error)
{
	int done = 0;
	uv_work_t work = {.data = &done};
	if (uv_queue_work(loop, &work, do_nothing, mark_done) != 0)
		return error_set(error, ERR_INTERNAL, NULL, "the thread pool takes no work");
	while (!done)
		uv_run(loop, UV_RUN_ONCE);
	return 0;
}

int pool_open(uv_loop_t *loop, struct qlstm_error *error)
{
	int wanted = wanted_threads();
	int possible = count_threads(wanted + SPARE_THREADS) - SPARE_THREADS;
	int least = wanted < POOL_MIN_THREADS ? wanted : POOL_MIN_THREADS;
	if (possible < least)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL,
		                 "only %d threads can be started and at least %d are needed; raise the limit of "
		                 "memory (ulimit -v), of processes (ulimit -u) or lower that of stacks (ulimit -s)",
		                 possible > 0 ? possible : 0, least);
	if (possible < wanted)
		log_message("warning", "only %d threads instead of %d can be started: fewer requests at once", possible,
		            wanted);
	char size[16];
	snprintf(size, sizeof size, "%d", possible);
	setenv("UV_THREADPOOL_SIZE", size, 1);
	n_threads = possible < wanted ? possible : wanted;
	return start(loop, error);
}

int pool_threads(void)
{
	return n_threads;
}
