/* A running worker process: its lines, its time, its end. Loop thread. */
#ifndef QLSTM_RUN_PROCESS_H
#define QLSTM_RUN_PROCESS_H

#include <uv.h>

#include "engine/error.h"
#include "server/run/launcher.h"
#include "server/run/prepare.h"
#include "server/run/state.h"

struct process;

struct process_limits {
	double max_seconds;    /* then it is stopped: timeout */
	int grace_ms, hang_ms; /* from SIGTERM to SIGKILL; from its last line until it is stopped: worker_hung */
};

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

/* `events` is borrowed for the life of the process. On failure there is nothing to close. */
int process_start(struct process **out, uv_loop_t *loop, const struct launcher_config *launcher,
                  const struct prepared *prepared, const struct process_limits *limits,
                  const struct process_events *events, void *context, struct qlstm_error *error);
/* After `over`. NULL is allowed. */
void process_close(struct process *process);

/* SIGTERM now, SIGKILL after the grace time. The first reason stays. */
void process_stop(struct process *process, enum run_reason reason);
/* SIGKILL now. */
void process_kill(struct process *process, enum run_reason reason);

/* Leaves its lines in the pipe, so that it has to wait; meanwhile it is not taken for hung. */
void process_pause(struct process *process);
void process_resume(struct process *process);

struct process_end process_end(const struct process *process);

#endif
