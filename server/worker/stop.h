/* Ways a worker is made to end: signals, and the death of the daemon that started it. */
#ifndef QLSTM_WORKER_STOP_H
#define QLSTM_WORKER_STOP_H

#include <stdbool.h>

#include "engine/error.h"

/* From here on SIGTERM and SIGINT only set a flag; writing to a closed pipe, or past a limit on the size of files,
 * fails instead of killing. */
void stop_install(void);
/* Whether one of them came. */
bool stop_requested(void);
/* Whether SIGURG came, before them: nobody will go on with this run, so it leaves what it has. (A process that does not
 * know that signal is not ended by it.) */
bool stop_for_good(void);

/* Under a daemon: ends with it (SIGKILL) also while it is stopped, no core files, no new privileges, no debugger from
 * the same user, low priority. Best effort. */
void stop_harden(void);
/* Starts the thread that ends the process with WORKER_ORPHAN as soon as standard input is closed. It works while a
 * batch is being computed, however long that takes. */
int stop_watch_stdin(struct qlstm_error *error);

#endif
