/* Starts a worker process on this machine. */
#ifndef QLSTM_RUN_LAUNCHER_H
#define QLSTM_RUN_LAUNCHER_H

#include <uv.h>

#include "server/run/prepare.h"

struct launcher_config {
	const char *worker_path; /* the qlstm-worker executable */
	int checkpoint_seconds;  /* least time between two checkpoints; 0: after every epoch */
};

/* Initialises and spawns `process`. The worker's standard input becomes `in`, which ends it when it is closed (or when
 * this process dies); its standard output `out`; its standard error the log file. Both pipes are initialised. The
 * worker sees a clean environment and no file of ours. Whatever this returns, `process` is to be closed. */
int launcher_spawn(uv_loop_t *loop, const struct launcher_config *config, const struct prepared *prepared,
                   uv_process_t *process, uv_pipe_t *in, uv_pipe_t *out, uv_exit_cb exited, struct qlstm_error *error);

#endif
