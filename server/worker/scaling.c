/* How the columns of a run were scaled. */
#include "server/worker/scaling.h"

#include <stdint.h>
#include <stdlib.h>

static json_t *side_json(const struct scaler *scalers, int count, const struct table *table, const int *columns,
                         const int *horizons)
{
	json_t *list = json_array();
	for (int i = 0; list != NULL && i < count; i++) {
		json_t *column = json_pack("{s:s, s:f, s:f}", "column", table->columns[columns[i]].name, "offset",
		                           scalers[i].offset, "factor", scalers[i].factor);
		bool whole = horizons == NULL || json_object_set_new(column, "horizon", json_integer(horizons[i])) == 0;
		if (json_array_append_new(list, column) != 0 || !whole) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

json_t *scaling_json(const struct column_scaling *scaling)
{
	return json_pack("{s:o, s:o}", "inputs",
	                 side_json(scaling->inputs, scaling->n_inputs, scaling->table, scaling->input_columns, NULL),
	                 "targets",
	                 side_json(scaling->targets, scaling->n_targets, scaling->table, scaling->target_columns,
	                           scaling->horizons));
}

static int read_side(const json_t *list, const struct scaler **out, int *count)
{
	size_t length = json_array_size(list);
	if (length < 1 || length > SAMPLES_MAX_COLUMNS)
		return ERR_CORRUPT;
	struct scaler *scalers = malloc(length * sizeof *scalers);
	if (scalers == NULL)
		return ERR_OUT_OF_MEMORY;
	*out = scalers;
	*count = (int)length;
	for (size_t i = 0; i < length; i++) {
		const json_t *column = json_array_get(list, i);
		const json_t *offset = json_object_get(column, "offset"), *factor = json_object_get(column, "factor");
		if (!json_is_number(offset) || !json_is_number(factor))
			return ERR_CORRUPT;
		scalers[i] = (struct scaler){json_number_value(offset), json_number_value(factor)};
	}
	return 0;
}

int scaling_read(const char *text, struct column_scaling *out, struct qlstm_error *error)
{
	*out = (struct column_scaling){0};
	json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	int rc = read_side(json_object_get(json, "inputs"), &out->inputs, &out->n_inputs);
	if (rc == 0)
		rc = read_side(json_object_get(json, "targets"), &out->targets, &out->n_targets);
	json_decref(json);
	if (rc == 0)
		return 0;
	scaling_free(out);
	return error_set(error, rc, NULL, "the scaling in the weights' metadata cannot be read");
}

void scaling_free(struct column_scaling *scaling)
{
	free((void *)(uintptr_t)scaling->inputs);
	free((void *)(uintptr_t)scaling->targets);
	*scaling = (struct column_scaling){0};
}
