/* Resident predictors: `qlstm-worker predict --serve` processes that answer predictions one at a time, so that an
 * answer costs no start of a process, and a model that crashes takes no part of the daemon with it.
 *
 * They are started when they are first needed, through a launcher, and ended when nobody asked for a while. One that
 * dies is started again with the next request; a request that meets a death is tried once more. */
#ifndef QLSTM_PREDICT_PREDICTOR_POOL_H
#define QLSTM_PREDICT_PREDICTOR_POOL_H

#include <uv.h>

#include "server/common/predict/predict_inputs.h"
#include "server/common/predict/predict_wire.h"
#include "server/run/launcher.h"

struct predictor_pool;

struct predictor_pool_config {
	const char *worker_path;         /* the qlstm-worker executable; borrowed */
	const char *folder;              /* with the weights: all that it may read; borrowed; NULL: everything */
	const char *isa;                 /* its instruction set; borrowed; NULL or empty: its own choice */
	const struct launcher *launcher; /* copied; one with poll_ms 0, whose commands inherit descriptors */
	size_t max_bytes;                /* that a model may take */
	int idle_ms;                     /* after which an unused process ends */
	double max_seconds;              /* from the request to the answer; then its process is killed */
};

/* Starts no process yet. */
int predictor_pool_open(struct predictor_pool **out, uv_loop_t *loop, const struct predictor_pool_config *config,
                        struct qlstm_error *error);

/* What the model in the weights' file says about the inputs: *outputs (malloc, the caller's) [samples][*n_outputs];
 * with inputs->ahead a forecast, [samples][ahead][targets].
 * Any thread but the loop's; waits. ERR_UNAVAILABLE when it takes too long or the service ends, ERR_INTERNAL when two
 * processes died of it, else what the predictor says (worker/predict/predictor.h). */
int predictor_pool_compute(struct predictor_pool *pool, const char *weights_path, const struct predict_inputs *inputs,
                           double **outputs, size_t *n_outputs, struct qlstm_error *error);

/* What it says to a JSON text, as JSON: *reply (malloc, the caller's), *reply_length bytes and a NUL. Otherwise the
 * same. */
int predictor_pool_read(struct predictor_pool *pool, const char *weights_path, const char *text, size_t length,
                        char **reply, size_t *reply_length, struct qlstm_error *error);

/* The sequences that it continues `prompts` to: *outputs [samples][2 * length] as worker/predict/generator.h gives
 * them. Otherwise the same. */
int predictor_pool_generate(struct predictor_pool *pool, const char *weights_path, const struct predict_inputs *prompts,
                            const struct generation *generation, double **outputs, struct qlstm_error *error);

struct predictor_counters {
	int processes;
	uint64_t started, answered;
};
void predictor_pool_counters(struct predictor_pool *pool, struct predictor_counters *out); /* any thread */

/* Kills the processes: requests in hand end with ERR_UNAVAILABLE, later ones too. Loop thread. */
void predictor_pool_stop(struct predictor_pool *pool);
/* After stop, when no thread is in a request. Runs the loop until the processes are gone. NULL is allowed. */
void predictor_pool_close(struct predictor_pool *pool);

#endif
