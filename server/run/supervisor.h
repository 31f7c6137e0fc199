/* One attempt from its claim to its end: prepares the folder, starts the worker, records what it reports, watches its
 * time, ends it when asked, verifies its results, and writes down how it ended - under the attempt's token, so that an
 * attempt that is no longer current changes nothing. Loop thread. */
#ifndef QLSTM_RUN_SUPERVISOR_H
#define QLSTM_RUN_SUPERVISOR_H

#include <uv.h>

#include "server/run/attempt.h"
#include "server/run/launcher.h"
#include "server/run/train_command.h"
#include "server/store/store.h"

struct supervisor;

struct supervisor_config {
	uv_loop_t *loop;
	struct store *store;
	const char *data_dir;
	const struct launcher *launcher;
	struct worker_config worker;
	int grace_ms, hang_ms;
	/* The attempt is over, its worker gone, its end stored; the supervisor frees itself. `now` is where the
	 * experiment stands, STATUS_RUNNING when that is not known (another attempt is current, or the store failed for
	 * good). */
	void (*ended)(void *context, struct supervisor *supervisor, enum run_status now);
	void *context;
};

/* Made before an attempt is claimed, so that a claimed one never lacks the memory to be run. `config` is borrowed. */
int supervisor_open(struct supervisor **out, const struct supervisor_config *config, struct qlstm_error *error);
/* Only one that was never run. NULL is allowed. */
void supervisor_close(struct supervisor *supervisor);
/* Takes the attempt's contents over. */
void supervisor_run(struct supervisor *supervisor, const struct attempt *attempt);
const char *supervisor_id(const struct supervisor *supervisor);
int64_t supervisor_bytes(const struct supervisor *supervisor); /* as planned */

/* Asked to end now, killed after the grace time. The reason (user_cancelled, shutdown) becomes the attempt's unless its
 * results arrive first. */
void supervisor_stop(struct supervisor *supervisor, enum run_reason reason);
/* The same with the reason shutdown, by a daemon that ends: a store that fails is not waited for any more. */
void supervisor_shut_down(struct supervisor *supervisor);

#endif
