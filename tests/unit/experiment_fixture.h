/* For tests of the store: a temporary folder, and experiments in a database. Include behind cmocka.h. */
#ifndef QLSTM_TESTS_EXPERIMENT_FIXTURE_H
#define QLSTM_TESTS_EXPERIMENT_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/common/file.h"
#include "server/run/state.h"
#include "server/run/turn.h"
#include "server/store/experiments.h"

/* What an epoch is measured by where a test does not ask. */
#define METRICS_1 "{\"train_loss\":1,\"test_loss\":1,\"gradient_norm\":0}"

static char folder[256];
static char database[300];

static const struct viewer everybody __attribute__((unused)) = {"", true};

static inline int make_folder(void **state)
{
	(void)state;
	const char *base = getenv("TMPDIR");
	snprintf(folder, sizeof folder, "%s/qlstm-store-XXXXXX", base != NULL ? base : "/tmp");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(database, sizeof database, "%s/qlstmd.db", folder);
	return 0;
}

static inline int drop_folder(void **state)
{
	(void)state;
	return file_remove_tree(folder, NULL);
}

/* An id that sorts by its number. */
static inline const char *numbered_id(int number)
{
	static _Thread_local char ids[4][RUN_ID_SIZE];
	static _Thread_local int next;
	char *id = ids[next++ % 4];
	snprintf(id, RUN_ID_SIZE, "01ARZ3NDEKTSV4RRFF%08u", (unsigned)number % 100000000u);
	return id;
}

static inline struct experiment_new new_experiment(const char *id)
{
	return (struct experiment_new){
	    .id = id,
	    .name = "a name",
	    .project = "default",
	    .tags_json = "[]",
	    .spec_json = "{\"seed\":1}",
	    .model_json = "{}",
	    .data_json = "{}",
	    .engine_json = "{}",
	    .epochs = 100000,
	    .max_attempts = 3,
	    .max_seconds = 600,
	    .now = 1000,
	};
}

static inline int64_t select_int(struct db *db, const char *sql)
{
	db_query(db, sql);
	int64_t value = db_step(db) > 0 ? db_int(db, 0) : -1;
	return db_finish(db) == 0 ? value : -1;
}

#endif
