/* A command that says what it does in lines: its lines, its time, its end; wherever a launcher runs it. Loop thread. */
#ifndef QLSTM_RUN_PROCESS_H
#define QLSTM_RUN_PROCESS_H

#include <uv.h>

#include "engine/error.h"
#include "server/run/launcher.h"
#include "server/run/state.h"

struct process;

struct process_events {
	/* A line, not NUL-terminated; NULL for one that was too long. */
	void (*line)(void *context, const char *text, size_t length);
	/* Once: it is gone and all its lines have been delivered. */
	void (*over)(void *context);
};

/* How it ended. */
struct process_end {
	int64_t status;
	int signal;             /* 0: it exited by itself */
	enum run_reason reason; /* why we stopped it; REASON_NONE: we did not */
};

/* Limits (command->limits) are of time in which this process ran itself: while it is stopped (SIGSTOP, a machine
 * asleep) none runs out. And what the command has said by then is heard before a limit is applied: a worker whose lines
 * lie in the pipe is not hung.
 *
 * Starts the command, with a pipe that ends it when it is closed (or when this process dies) as its standard input, and
 * one for its lines as its standard output. `launcher` and `events` are borrowed for the life of the process, `command`
 * for the call. On failure there is nothing to close. */
int process_start(struct process **out, uv_loop_t *loop, const struct launcher *launcher, struct command *command,
                  const struct process_events *events, void *context, struct qlstm_error *error);
/* After `over`. NULL is allowed. */
void process_close(struct process *process);

/* Asked to end now, killed after the grace time. The first reason stays. */
void process_stop(struct process *process, enum run_reason reason);
/* Killed now. */
void process_kill(struct process *process, enum run_reason reason);

/* Leaves its lines in the pipe, so that it has to wait; meanwhile it is not taken for hung. */
void process_pause(struct process *process);
void process_resume(struct process *process);

struct process_end process_end(const struct process *process);

#endif
