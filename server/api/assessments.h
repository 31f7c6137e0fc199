/* What the planner says of a model, kept for the next experiment with the same one: its circuits are not compiled
 * again. Thread-safe. */
#ifndef QLSTM_API_ASSESSMENTS_H
#define QLSTM_API_ASSESSMENTS_H

#include <jansson.h>
#include <stdbool.h>

#include "engine/error.h"
#include "schema/spec.h"
#include "server/common/parameter_counts.h"

#define ASSESSMENTS_MAX     256  /* kept; of more, those are forgotten that were not asked for the longest */
#define ASSESSMENTS_MAX_KEY 8192 /* bytes; a model that takes more text is not kept */

struct assessment {
	struct parameter_counts parameters;
	const char *plan; /* its kind; static storage */
	size_t bytes;     /* of the model, cost_bytes */
	double batch_seconds;
};

struct assessments;
int assessments_open(struct assessments **out, struct qlstm_error *error);
void assessments_close(struct assessments *kept); /* NULL is allowed */

/* By all that an assessment depends on: the model and the simulation of a resolved spec, the shape of a batch, and how
 * many threads share it. NULL when out of memory or too long; free it. */
char *assessments_key(const struct spec *spec, const json_t *resolved, int threads);

/* Whether there is one. `key` NULL: no. `kept` NULL: never, and nothing is kept. */
bool assessments_find(struct assessments *kept, const char *key, struct assessment *out);
void assessments_keep(struct assessments *kept, const char *key, const struct assessment *assessment);

#endif
