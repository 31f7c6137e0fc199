/* An epoch's metrics as members of a JSON object. */
#ifndef QLSTM_WORKER_METRICS_JSON_H
#define QLSTM_WORKER_METRICS_JSON_H

#include <jansson.h>

#include "engine/train/trainer.h"

/* Adds each by its name; one that is not finite is null. Returns 0, or ERR_OUT_OF_MEMORY, also where `object` is NULL.
 */
int metrics_json_add(json_t *object, const struct epoch_metrics *metrics);
/* The same of those that are of a part, train_..., validation_... and test_..., unless the object has that name
 * already. */
int metrics_json_add_parts(json_t *object, const struct epoch_metrics *metrics);

#endif
