/* The scheduler: fills worker slots from the queue, supervises workers, and enforces deadlines.
 *
 * Lives on the loop thread. One tick does all that is due and arms one timer for the next thing. */
#ifndef QLSTM_RUN_SCHEDULER_H
#define QLSTM_RUN_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "server/common/status.h"
#include "server/run/launcher.h"
#include "server/store/store.h"

struct scheduler;

struct scheduler_config {
	const char *data_dir;    /* absolute; runs/ and datasets/ are inside */
	const char *worker_path; /* the qlstm-worker executable */
	size_t max_memory;       /* bytes that a worker should do with; 0: no limit */
	const char *isa; /* the workers' instruction set; NULL or empty: their own choice; outlives the scheduler */
	const struct launcher *launcher; /* where workers run, copied; NULL: as processes of this machine */
	int checkpoint_seconds;          /* least time between two checkpoints of a run; 0: after every epoch */
	int checkpoint_epochs;           /* the most epochs between two; 0: any number */
	int slots;                       /* workers at once */
	int threads;                     /* of all workers together, dealt out to those there is work for */
	int64_t memory;                  /* bytes that all runs together are planned to take at most; 0: no limit */
	int grace_ms;                    /* between asking a worker to end and killing it */
	int hang_ms;                     /* without a line from the worker: worker_hung */
};

/* Opens; nothing runs before scheduler_wake. */
int scheduler_open(struct scheduler **out, uv_loop_t *loop, struct store *store, const struct scheduler_config *config,
                   struct qlstm_error *error);

/* Something was queued or cancelled. Loop thread. */
void scheduler_wake(struct scheduler *scheduler);
/* The same from any thread. */
void scheduler_notify(struct scheduler *scheduler);
/* Ends the worker of this experiment, if one runs here (SIGTERM, SIGKILL after the grace time), because it is to be
 * cancelled or paused (REASON_USER_CANCELLED, REASON_USER_PAUSED). Any thread. */
void scheduler_stop(struct scheduler *scheduler, const char *id, enum run_reason reason);

/* Until it is released takes nothing from the queue. What runs goes on to its end, or, with `stop`, checkpoints, ends
 * and goes back to the queue (reason shutdown). Any thread. */
void scheduler_hold(struct scheduler *scheduler, bool stop);
void scheduler_release(struct scheduler *scheduler);

/* Takes nothing new; asks all workers to checkpoint and end (reason shutdown); `done` is called when none is left. */
void scheduler_drain(struct scheduler *scheduler, void (*done)(void *context), void *context);
void scheduler_close(struct scheduler *scheduler); /* after drain */

struct scheduler_counters {
	int slots, busy;
	uint64_t started, succeeded, failed, cancelled, requeued; /* since start */
	int64_t planned_bytes, memory;                            /* of what runs; as configured */
	int64_t held_since;                                       /* ms; 0: it is not held */
};
void scheduler_counters(struct scheduler *scheduler, struct scheduler_counters *out); /* any thread */

#endif
