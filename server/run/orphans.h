/* Buries processes that nobody waits for. Process 1 of a container becomes the parent of every process there whose own
 * parent is gone (the leftovers of a `docker exec`), and the dead of them stay until it asks for their exit status. */
#ifndef QLSTM_RUN_ORPHANS_H
#define QLSTM_RUN_ORPHANS_H

#include <uv.h>

#include "engine/error.h"

struct orphans;

/* Watches SIGCHLD in the loop. Leaves alone what the loop itself waits for (uv_spawn). */
int orphans_open(struct orphans **out, uv_loop_t *loop, struct qlstm_error *error);
/* Frees with the loop's next round. NULL is allowed. */
void orphans_close(struct orphans *orphans);

#endif
