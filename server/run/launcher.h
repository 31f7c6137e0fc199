/* Starts a worker process on this machine. */
#ifndef QLSTM_RUN_LAUNCHER_H
#define QLSTM_RUN_LAUNCHER_H

#include <uv.h>

#include "server/run/prepare.h"

/* Initialises and spawns `process`. The worker's standard input becomes `in`, which ends it when it is closed (or when
 * this process dies); its standard output `out`; its standard error the log file. Both pipes are initialised. The
 * worker sees a clean environment and no file of ours. Whatever this returns, `process` is to be closed. */
int launcher_spawn(uv_loop_t *loop, const char *worker_path, const struct prepared *prepared, uv_process_t *process,
                   uv_pipe_t *in, uv_pipe_t *out, uv_exit_cb exited, struct qlstm_error *error);

#endif
