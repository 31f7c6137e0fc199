/* The pool: libuv's threads, on which request handlers and everything else that waits for the disk run. libuv starts
 * them when they are first needed and aborts the process when it cannot; pool_open starts them where that can still be
 * said. */
#ifndef QLSTM_SERVER_POOL_H
#define QLSTM_SERVER_POOL_H

#include <uv.h>

#include "engine/error.h"

#define POOL_THREADS     64 /* requests that may wait for the disk at once */
#define POOL_MIN_THREADS 6  /* one for each lane (http/http.h) and one for short requests */

/* Starts as many of POOL_THREADS as the limits on memory and threads allow, with a warning in the log when it is fewer;
 * UV_THREADPOOL_SIZE in the environment, if set, stands in place of POOL_THREADS. Runs the loop; call it before
 * anything else uses the pool. ERR_OUT_OF_MEMORY when fewer than POOL_MIN_THREADS can start. */
int pool_open(uv_loop_t *loop, struct qlstm_error *error);
/* How many there are, after pool_open. */
int pool_threads(void);

#endif
