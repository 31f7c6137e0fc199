/* The daemon's data directory: database, keys, what the last daemon left behind, sweeps. */
#include "server/daemon.h"

#include <stdio.h>
#include <stdlib.h>

#include "server/common/clock.h"
#include "server/common/file.h"
#include "server/disk/loss.h"
#include "server/http/log.h"
#include "server/run/state.h"

#define OPEN_TRIES 32 /* of the database: the reserve is given up in parts */

static int make_folders(struct daemon *daemon, struct qlstm_error *error)
{
	static const char *const folders[] = {"", "/runs", "/datasets"};
	char path[PATH_MAX + 16];
	for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
		snprintf(path, sizeof path, "%s%s", daemon->options.data, folders[i]);
		int rc = file_make_directory(path, error);
		while (rc == ERR_DISK_FULL && reserve_give_up(daemon->api.reserve)) {
			error_clear(error);
			rc = file_make_directory(path, error);
		}
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* A disk that is full gets its reserve, which is there for this; a damaged database is put aside where that is
 * accepted. What may be tried again: 0, with the store still closed. */
static int make_openable(struct daemon *daemon, const struct qlstm_error *cause, struct loss *loss,
                         struct qlstm_error *error)
{
	bool full = cause->code == ERR_DISK_FULL || cause->code == ERR_IO;
	if (full && reserve_give_up(daemon->api.reserve))
		return 0;
	if (cause->code == ERR_CORRUPT)
		return loss_of_damage(daemon->data, daemon->options.accept_loss, loss, error);
	return error_set(error, cause->code, NULL, "%s", cause->message);
}

static int open_database(struct daemon *daemon, struct qlstm_error *error)
{
	char path[PATH_MAX + 16];
	struct loss loss = {0};
	snprintf(path, sizeof path, "%s/qlstmd.db", daemon->data);
	int rc = loss_before_open(daemon->data, daemon->options.accept_loss, &loss, error);
	for (int tries = 0; rc == 0; tries++) {
		struct qlstm_error cause = {0};
		rc = store_open(&daemon->api.store, path, daemon->loop, &cause);
		if (rc == 0)
			break;
		rc = tries < OPEN_TRIES ? make_openable(daemon, &cause, &loss, error)
		                        : error_set(error, rc, NULL, "%s", cause.message);
	}
	if (loss.report[0] != '\0')
		log_message("warning", "%s", loss.report);
	return rc;
}

int daemon_open_store(struct daemon *daemon, struct qlstm_error *error)
{
	int rc = file_make_directory(daemon->options.data, error);
	if (rc == 0 && realpath(daemon->options.data, daemon->data) == NULL)
		rc = error_set(error, ERR_IO, NULL, "%s: no such directory", daemon->options.data);
	if (rc == 0)
		rc = reserve_open(&daemon->api.reserve, daemon->data, daemon->options.reserve, error);
	if (rc != 0)
		return rc;
	daemon->api.data_dir = daemon->data;
	rc = make_folders(daemon, error);
	if (rc == 0)
		rc = open_database(daemon, error);
	if (rc == 0 && store_remark(daemon->api.store)[0] != '\0')
		log_message("warning", "%s", store_remark(daemon->api.store));
	if (rc != 0)
		reserve_close(daemon->api.reserve);
	return rc;
}

void daemon_close_store(struct daemon *daemon)
{
	store_close(daemon->api.store);
	uv_run(daemon->loop, UV_RUN_DEFAULT); /* the close callbacks of all that was in the loop */
	reserve_close(daemon->api.reserve);
}

/* Who reaches an address that others reach shows a key, but where an option says who that is. */
int daemon_open_keeper(struct daemon *daemon, struct qlstm_error *error)
{
	const struct options *options = &daemon->options;
	int rc = audit_open(&daemon->api.audit, daemon->data, error);
	if (rc != 0)
		return rc;
	rc = keeper_open(&daemon->api.keeper, daemon->data, options->keys_required, error);
	if (rc != 0)
		audit_close(daemon->api.audit);
	if (rc == 0 && options->keys_required && !keeper_has_keys(daemon->api.keeper))
		log_message("warning",
		            "keys are required and there are none: qlstmd key add NAME --data DIR makes one");
	return rc;
}

void daemon_close_keeper(struct daemon *daemon)
{
	keeper_close(daemon->api.keeper);
	audit_close(daemon->api.audit);
}

struct recovered {
	int requeued, cancelled;
};

static int write_recovery(struct db *db, void *argument, struct qlstm_error *error)
{
	struct recovered *recovered = argument;
	return state_recover(db, clock_now_ms(), &recovered->requeued, &recovered->cancelled, error);
}

/* Runs that the last daemon left behind are put right before anybody can ask about them; then what it left of files is
 * removed, and the reserve is filled up. */
int daemon_recover(struct daemon *daemon, struct qlstm_error *error)
{
	struct recovered recovered = {0};
	struct loss loss = {0};
	struct inventory inventory = caretaker_inventory(daemon->data, daemon->api.store);
	inventory.alone = true;
	int rc = loss_after_open(&inventory, daemon->options.accept_loss, &loss, error);
	if (rc != 0)
		return rc;
	if (loss.report[0] != '\0')
		log_message("warning", "%s", loss.report);
	rc = reserve_write(daemon->api.reserve, daemon->api.store, write_recovery, &recovered, error);
	if (rc == ERR_DISK_FULL) { /* even so: what is nobody's may be enough */
		caretaker_sweep(&inventory, daemon->api.store);
		error_clear(error);
		rc = store_write(daemon->api.store, write_recovery, &recovered, error);
	}
	if (rc == 0 && recovered.requeued + recovered.cancelled > 0)
		log_message("info", "recovered: %d experiments queued again, %d cancelled", recovered.requeued,
		            recovered.cancelled);
	if (rc == 0) {
		caretaker_sweep(&inventory, daemon->api.store);
		caretaker_fill_reserve(daemon->api.reserve, daemon->api.store);
	}
	return rc;
}

int daemon_open_caretaker(struct daemon *daemon, struct qlstm_error *error)
{
	const struct caretaker_config config = {.data_dir = daemon->data,
	                                        .datasets = &daemon->api.datasets,
	                                        .reserve = daemon->api.reserve,
	                                        .sweep_seconds = daemon->options.sweep_seconds};
	return caretaker_open(&daemon->caretaker, daemon->loop, daemon->api.store, &config, error);
}

void daemon_close_caretaker(struct daemon *daemon)
{
	caretaker_close(daemon->caretaker);
}
