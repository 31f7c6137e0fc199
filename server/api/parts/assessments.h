/* What POST /experiments found of specs, kept for the next ones that say the same: a repetition under another name is
 * neither validated nor planned again. Data sets never change under their id, so what was found of one holds as long as
 * its name leads to that id: to be looked up anew each time. It grows to a bound and then forgets what was not asked
 * for the longest. Thread-safe. */
#ifndef QLSTM_API_ASSESSMENTS_H
#define QLSTM_API_ASSESSMENTS_H

#include <stdbool.h>

#include "engine/error.h"
#include "server/common/status.h"

#define ASSESSMENTS_MAX       64    /* that are kept */
#define ASSESSMENTS_MAX_BYTES 65536 /* of one, with its key; larger ones are not kept: 4 MiB are the most */

/* Texts are owned; JSON in *_json as in schema/database.sql. */
struct assessment {
	char *rest_json; /* the resolved and bound spec without what captions.h takes out */
	char *model_json, *data_json, *engine_json;
	char *dataset;                /* by which name or id the spec asked for its data */
	char dataset_id[RUN_ID_SIZE]; /* what that was; "": built-in */
	int epochs, max_attempts, priority;
	double max_seconds;
};
void assessment_free(struct assessment *assessment);

struct assessments;
int assessments_open(struct assessments **out, struct qlstm_error *error);
void assessments_close(struct assessments *known); /* NULL is allowed */

/* By the text of a request; *out is the caller's, a copy. False where there is none, where `known` or `key` is NULL,
 * and without memory. */
bool assessments_find(struct assessments *known, const char *key, struct assessment *out);
/* Keeps a copy, if there is memory for it. */
void assessments_keep(struct assessments *known, const char *key, const struct assessment *assessment);

#endif
