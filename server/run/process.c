/* A running worker process. */
#include "server/run/process.h"

#include <signal.h>
#include <stdlib.h>

#include "server/run/launcher.h"
#include "server/run/lines.h"

enum { LAST_WORDS_MS = 2000 }; /* how long the pipe of a dead worker may stay open */

struct process {
	uv_loop_t *loop;
	uv_process_t handle;
	uv_pipe_t in, out;
	uv_timer_t timer;
	int open_handles;
	struct process_limits limits;
	const struct process_events *events;
	void *context;
	bool alive; /* there is a process to send signals to */
	bool at_end, paused, killed, over;
	struct process_end end;
	uint64_t deadline, last_line, kill_at; /* loop time, ms */
	struct lines lines;
};

static void arm_timer(struct process *process);

static void on_handle_closed(uv_handle_t *handle)
{
	struct process *process = handle->data;
	if (--process->open_handles == 0)
		free(process);
}

void process_close(struct process *process)
{
	if (process == NULL)
		return;
	uv_close((uv_handle_t *)&process->handle, on_handle_closed);
	uv_close((uv_handle_t *)&process->in, on_handle_closed);
	uv_close((uv_handle_t *)&process->out, on_handle_closed);
	uv_close((uv_handle_t *)&process->timer, on_handle_closed);
}

/* Once the worker is gone and its pipe is read to the end. */
static void conclude(struct process *process)
{
	if (process->alive || !process->at_end || process->over)
		return;
	process->over = true;
	uv_timer_stop(&process->timer);
	uv_read_stop((uv_stream_t *)&process->out);
	process->events->over(process->context);
}

static void on_exited(uv_process_t *handle, int64_t status, int signal)
{
	struct process *process = handle->data;
	process->alive = false;
	process->end.status = status;
	process->end.signal = signal;
	process->last_line = uv_now(process->loop);
	arm_timer(process);
	conclude(process);
}

static void on_line(void *context, const char *text, size_t length)
{
	struct process *process = context;
	process->last_line = uv_now(process->loop);
	process->events->line(process->context, text, length);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
	(void)suggested;
	struct process *process = handle->data;
	size_t room = 0;
	char *place = lines_room(&process->lines, &room);
	*buffer = uv_buf_init(place, (unsigned)room);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
	(void)buffer;
	struct process *process = stream->data;
	if (count >= 0) {
		lines_feed(&process->lines, (size_t)count, on_line, process);
		return;
	}
	process->at_end = true;
	uv_read_stop(stream);
	conclude(process);
}

void process_pause(struct process *process)
{
	process->paused = true;
	uv_read_stop((uv_stream_t *)&process->out);
}

void process_resume(struct process *process)
{
	if (!process->paused || process->over)
		return;
	process->paused = false;
	process->last_line = uv_now(process->loop); /* its silence was ours */
	uv_read_start((uv_stream_t *)&process->out, on_alloc, on_read);
	arm_timer(process);
}

/* When something is due next; UINT64_MAX: never. */
static uint64_t next_due(const struct process *process)
{
	if (!process->alive)
		return process->paused ? UINT64_MAX : process->last_line + LAST_WORDS_MS;
	if (process->end.reason != REASON_NONE)
		return process->killed ? UINT64_MAX : process->kill_at;
	uint64_t hung = process->paused ? UINT64_MAX : process->last_line + (uint64_t)process->limits.hang_ms;
	return hung < process->deadline ? hung : process->deadline;
}

static void on_timer(uv_timer_t *timer)
{
	struct process *process = timer->data;
	uint64_t now = uv_now(process->loop);
	if (now < next_due(process)) {
		arm_timer(process); /* lines have come since it was armed */
	} else if (!process->alive) {
		process->at_end = true; /* somebody else holds the pipe: not the worker */
		conclude(process);
	} else if (process->end.reason != REASON_NONE) {
		process_kill(process, process->end.reason);
	} else {
		process_stop(process, now >= process->deadline ? REASON_TIMEOUT : REASON_WORKER_HUNG);
	}
}

static void arm_timer(struct process *process)
{
	uint64_t due = next_due(process), now = uv_now(process->loop);
	if (process->over || due == UINT64_MAX)
		uv_timer_stop(&process->timer);
	else
		uv_timer_start(&process->timer, on_timer, due > now ? due - now : 0, 0);
}

void process_stop(struct process *process, enum run_reason reason)
{
	if (!process->alive || process->end.reason != REASON_NONE)
		return;
	process->end.reason = reason;
	uv_process_kill(&process->handle, SIGTERM);
	process->kill_at = uv_now(process->loop) + (uint64_t)process->limits.grace_ms;
	arm_timer(process);
}

void process_kill(struct process *process, enum run_reason reason)
{
	if (!process->alive)
		return;
	if (process->end.reason == REASON_NONE)
		process->end.reason = reason;
	process->killed = true;
	uv_process_kill(&process->handle, SIGKILL);
	arm_timer(process);
}

struct process_end process_end(const struct process *process)
{
	return process->end;
}

static void add_handle(struct process *process, void *handle)
{
	((uv_handle_t *)handle)->data = process;
	process->open_handles++;
}

int process_start(struct process **out, uv_loop_t *loop, const struct launcher_config *launcher,
                  const struct prepared *prepared, const struct process_limits *limits,
                  const struct process_events *events, void *context, struct qlstm_error *error)
{
	struct process *process = calloc(1, sizeof *process);
	if (process == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for a worker");
	process->loop = loop;
	process->limits = *limits;
	process->events = events;
	process->context = context;
	uv_pipe_init(loop, &process->in, 0);
	uv_pipe_init(loop, &process->out, 0);
	uv_timer_init(loop, &process->timer);
	add_handle(process, &process->handle);
	add_handle(process, &process->in);
	add_handle(process, &process->out);
	add_handle(process, &process->timer);
	int rc =
	    launcher_spawn(loop, launcher, prepared, &process->handle, &process->in, &process->out, on_exited, error);
	if (rc != 0) {
		process_close(process);
		return rc;
	}
	process->alive = true;
	uv_update_time(loop);
	process->last_line = uv_now(loop);
	process->deadline = process->last_line + (uint64_t)(limits->max_seconds * 1000);
	uv_read_start((uv_stream_t *)&process->out, on_alloc, on_read);
	arm_timer(process);
	*out = process;
	return 0;
}
