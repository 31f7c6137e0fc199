/* A command that says what it does in lines. */
#include "server/run/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/run/lines.h"

enum {
	LAST_WORDS_MS = 2000, /* how long the pipe of a dead worker may stay open */
	LOOK_MS = 1000,       /* how often the daemon makes sure that it runs itself: see discount_pause */
	LAST_LOOK_MS = 1,     /* between a limit and its verdict: what lies in the pipe is read */
};

struct process {
	uv_loop_t *loop;
	const struct launcher *launcher;
	void *launch; /* NULL: it did not start */
	int in;       /* its standard input ends with it */
	uv_pipe_t out;
	uv_timer_t timer;
	int open_handles;
	struct command_limits limits;
	const struct process_events *events;
	void *context;
	bool alive;
	bool at_end, paused, killed, over;
	bool last_look; /* its time is up; once the pipe has been read it is judged */
	struct process_end end;
	uint64_t deadline, last_line, kill_at, poll_at, looked_at; /* loop time, ms */
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
	if (process->launch != NULL)
		process->launcher->close(process->launch);
	if (process->in >= 0)
		close(process->in);
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

static void on_ended(void *context)
{
	struct process *process = context;
	struct launch_end end;
	if (!process->alive || !process->launcher->poll(process->launch, &end))
		return;
	process->alive = false;
	process->end.status = end.status;
	process->end.signal = end.signal;
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

/* When its time is over in one way or another; UINT64_MAX: never. */
static uint64_t time_is_up(const struct process *process)
{
	if (!process->alive)
		return process->paused ? UINT64_MAX : process->last_line + LAST_WORDS_MS;
	if (process->end.reason != REASON_NONE)
		return process->killed ? UINT64_MAX : process->kill_at;
	uint64_t hung = process->paused ? UINT64_MAX : process->last_line + (uint64_t)process->limits.hang_ms;
	return hung < process->deadline ? hung : process->deadline;
}

/* The launcher may have to be asked before that, and the clock to be looked at. */
static uint64_t next_due(const struct process *process)
{
	uint64_t due = time_is_up(process), look = process->looked_at + LOOK_MS;
	if (process->alive && process->launcher->poll_ms > 0 && process->poll_at < due)
		due = process->poll_at;
	return due != UINT64_MAX && look < due ? look : due;
}

/* A look that comes much too late says that the daemon itself did not run: it was stopped, the machine was asleep. What
 * it could not see in that time is not held against the worker: every limit moves by it. */
static void discount_pause(struct process *process, uint64_t now)
{
	uint64_t gap = now - process->looked_at;
	process->looked_at = now;
	if (gap <= 2 * LOOK_MS)
		return;
	uint64_t pause = gap - LOOK_MS;
	process->deadline += pause;
	process->kill_at += pause;
	process->last_line = process->last_line + pause < now ? process->last_line + pause : now;
}

static void ask_launcher(struct process *process, uint64_t now)
{
	if (!process->alive || process->launcher->poll_ms == 0 || now < process->poll_at)
		return;
	process->poll_at = now + (uint64_t)process->launcher->poll_ms;
	on_ended(process);
}

static void on_timer(uv_timer_t *timer)
{
	struct process *process = timer->data;
	uint64_t now = uv_now(process->loop);
	discount_pause(process, now);
	ask_launcher(process, now);
	bool up = now >= time_is_up(process), judged = up && process->last_look;
	process->last_look = up;
	if (process->over) {
		return;
	} else if (!up) {
		arm_timer(process); /* lines have come since it was armed, or it was to look at the clock */
	} else if (!judged) {
		uv_timer_start(&process->timer, on_timer, LAST_LOOK_MS, 0);
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
	uint64_t now = uv_now(process->loop);
	if (!uv_is_active((uv_handle_t *)&process->timer))
		process->looked_at = now;
	uint64_t due = next_due(process);
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
	bool for_good = reason == REASON_USER_CANCELLED || reason == REASON_TIMEOUT;
	if (for_good && process->launcher->stop_for_good != NULL)
		process->launcher->stop_for_good(process->launch);
	else
		process->launcher->stop(process->launch);
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
	process->launcher->kill(process->launch);
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

/* Two pipes; the command's ends are its to inherit, ours are closed in every program that is started. */
static int open_pipes(struct process *process, struct command *command, struct qlstm_error *error)
{
	int in[2], out[2];
	if (pipe2(in, O_CLOEXEC) != 0)
		return error_set(error, ERR_IO, NULL, "no pipe for a worker: %s", strerror(errno));
	if (pipe2(out, O_CLOEXEC) != 0) {
		error_set(error, ERR_IO, NULL, "no pipe for a worker: %s", strerror(errno));
		close(in[0]);
		close(in[1]);
		return ERR_IO;
	}
	command->input = in[0];
	process->in = in[1];
	command->output = out[1];
	if (uv_pipe_open(&process->out, out[0]) == 0)
		return 0;
	close(out[0]);
	return error_set(error, ERR_IO, NULL, "the pipe of a worker cannot be watched");
}

static void close_given(struct command *command)
{
	if (command->input >= 0)
		close(command->input);
	if (command->output >= 0)
		close(command->output);
	command->input = command->output = -1;
}

static int launch(struct process *process, struct command *command, struct qlstm_error *error)
{
	int rc = open_pipes(process, command, error);
	if (rc == 0)
		rc = process->launcher->start(process->launcher->self, command, on_ended, process, &process->launch,
		                              error);
	close_given(command);
	return rc;
}

int process_start(struct process **out, uv_loop_t *loop, const struct launcher *launcher, struct command *command,
                  const struct process_events *events, void *context, struct qlstm_error *error)
{
	struct process *process = calloc(1, sizeof *process);
	if (process == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for a worker");
	process->loop = loop;
	process->launcher = launcher;
	process->limits = command->limits;
	process->events = events;
	process->context = context;
	process->in = -1;
	uv_pipe_init(loop, &process->out, 0);
	uv_timer_init(loop, &process->timer);
	add_handle(process, &process->out);
	add_handle(process, &process->timer);
	int rc = launch(process, command, error);
	if (rc != 0) {
		process_close(process);
		return rc;
	}
	process->alive = true;
	uv_update_time(loop);
	process->last_line = process->looked_at = uv_now(loop);
	process->deadline = process->last_line + (uint64_t)(process->limits.max_seconds * 1000);
	process->poll_at = process->last_line + (uint64_t)launcher->poll_ms;
	uv_read_start((uv_stream_t *)&process->out, on_alloc, on_read);
	arm_timer(process);
	*out = process;
	return 0;
}
