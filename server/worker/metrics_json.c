/* An epoch's metrics as members of a JSON object. */
#include "server/worker/metrics_json.h"

#include <string.h>

#include "server/worker/reply.h"

int metrics_json_add(json_t *object, const struct epoch_metrics *metrics)
{
	int rc = 0;
	for (int k = 0; k < metrics->count; k++)
		if (json_object_set_new(object, metrics->names[k], reply_number(metrics->values[k])) != 0)
			rc = ERR_OUT_OF_MEMORY;
	return rc;
}

static bool of_a_part(const char *name)
{
	return strncmp(name, "train_", 6) == 0 || strncmp(name, "validation_", 11) == 0 ||
	       strncmp(name, "test_", 5) == 0;
}

int metrics_json_add_parts(json_t *object, const struct epoch_metrics *metrics)
{
	int rc = 0;
	for (int k = 0; k < metrics->count; k++)
		if (of_a_part(metrics->names[k]) && json_object_get(object, metrics->names[k]) == NULL &&
		    json_object_set_new(object, metrics->names[k], reply_number(metrics->values[k])) != 0)
			rc = ERR_OUT_OF_MEMORY;
	return rc;
}
