/* Records: counting, checking classes, scaling. */
#include "engine/data/records.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int records_count(size_t n_rows, const struct records_config *config, struct parts *out, struct qlstm_error *error)
{
	return split_parts(&config->split, n_rows, (struct split_rows){.stride = 1}, "row", out, error);
}

static int check_shape(const struct records_config *config, struct qlstm_error *error)
{
	if (config->steps < 1 || config->n_inputs % config->steps != 0)
		return error_set(error, ERR_INVALID, "/steps", "steps is %d; %d inputs are no multiple of it",
		                 config->steps, config->n_inputs);
	if (config->classes > 0 && config->n_targets != 1)
		return error_set(error, ERR_INVALID, "/targets", "%d targets; a class is one column",
		                 config->n_targets);
	return 0;
}

static int refuse_value(const struct column *column, size_t row, int classes, struct qlstm_error *error)
{
	return error_set(error, ERR_INVALID, "/targets/0",
	                 "column '%s' holds %.17g in row %zu (from 0); its classes are the whole numbers "
	                 "from 0 to %d",
	                 column->name, column->values[row], row, classes - 1);
}

static int refuse_unseen(const struct column *column, size_t row, const struct split *split, bool validation,
                         size_t n_train, struct qlstm_error *error)
{
	char rows[64] = "";
	if (!split->shuffle)
		snprintf(rows, sizeof rows, ", the first %zu rows", n_train);
	return error_set(
	    error, ERR_INVALID, "/targets/0",
	    "class %.17g of column '%s' is in row %zu (from 0) of the %s part, and nowhere in the training part%s",
	    column->values[row], column->name, row, validation ? "validation" : "test", rows);
}

/* Every value is one of the classes, and none of them is in another part than the training part alone. */
static int check_classes(const struct column *column, const struct records_config *config, const struct parts *parts,
                         const size_t *order, struct qlstm_error *error)
{
	bool *seen = calloc((size_t)config->classes, sizeof *seen);
	int rc = seen == NULL ? error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory") : 0;
	for (size_t i = 0; rc == 0 && i < parts_count(parts); i++) {
		size_t row = order != NULL ? order[i] : i;
		double value = column->values[row];
		if (!(value >= 0 && value < config->classes && value == floor(value)))
			rc = refuse_value(column, row, config->classes, error);
		else if (i < parts->train)
			seen[(size_t)value] = true;
		else if (!seen[(size_t)value])
			rc = refuse_unseen(column, row, &config->split, i < parts->train + parts->validation,
			                   parts->train, error);
	}
	free(seen);
	return rc;
}

static int allocate(struct records *records, struct qlstm_error *error)
{
	size_t count = parts_count(&records->parts); /* at least two: records_count */
	records->x = calloc(count, (size_t)records->n_columns * sizeof(double));
	records->y = calloc(count, (size_t)records->n_targets * sizeof(double));
	if (records->x == NULL || records->y == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "/inputs", "out of memory for %zu rows of %d inputs", count,
		                 records->n_columns);
	return 0;
}

static void fill(struct records *records, const struct table *table, const struct records_config *config)
{
	double *x = records->x, *y = records->y;
	for (size_t i = 0; i < parts_count(&records->parts); i++) {
		size_t row = records->order != NULL ? records->order[i] : i;
		for (int k = 0; k < config->n_inputs; k++)
			*x++ = scaler_apply(records->input_scalers[k], table->columns[config->inputs[k]].values[row]);
		for (int k = 0; k < config->n_targets; k++)
			*y++ = scaler_apply(records->target_scalers[k], table->columns[config->targets[k]].values[row]);
	}
}

/* The scalers, once the columns are known to be there. */
static int fit(struct records *records, const struct table *table, const struct records_config *config,
               struct qlstm_error *error)
{
	bool train = config->scaling_fit == SCALING_FIT_TRAIN;
	const struct fit_rows rows = {.count = train ? records->parts.train : table->n_rows,
	                              .rows = train ? records->order : NULL};
	enum scaling of_targets = config->classes > 0 ? SCALING_NONE : config->scaling;
	int rc = windows_fit_columns(table, config->inputs, config->n_inputs, "inputs", config->scaling, rows,
	                             records->input_scalers, error);
	if (rc == 0)
		rc = windows_fit_columns(table, config->targets, config->n_targets, "targets", of_targets, rows,
		                         records->target_scalers, error);
	return rc;
}

/* Parts, order and classes, once the target's column is known to be there. */
static int divide(const struct table *table, const struct records_config *config, struct parts *parts, size_t **order,
                  struct qlstm_error *error)
{
	int rc = records_count(table->n_rows, config, parts, error);
	if (rc == 0)
		rc = split_order(&config->split, table->n_rows, order, error);
	if (rc == 0 && config->classes > 0)
		rc = check_classes(&table->columns[config->targets[0]], config, parts, *order, error);
	return rc;
}

static int check(const struct table *table, const struct records_config *config, struct qlstm_error *error)
{
	int rc = windows_check_columns(table, config->inputs, config->n_inputs, "inputs", error);
	if (rc == 0)
		rc = windows_check_columns(table, config->targets, config->n_targets, "targets", error);
	return rc == 0 ? check_shape(config, error) : rc;
}

int records_check_classes(const struct table *table, const struct records_config *config, struct qlstm_error *error)
{
	struct parts parts;
	size_t *order = NULL;
	int rc = windows_check_columns(table, config->targets, config->n_targets, "targets", error);
	if (rc == 0)
		rc = divide(table, config, &parts, &order, error);
	free(order);
	return rc;
}

int records_take(const struct table *table, const struct records_config *config, struct records *out,
                 struct qlstm_error *error)
{
	struct records records = {.n_columns = config->n_inputs,
	                          .steps = config->steps,
	                          .n_targets = config->n_targets,
	                          .classes = config->classes};
	int rc = check(table, config, error);
	if (rc == 0)
		rc = divide(table, config, &records.parts, &records.order, error);
	if (rc == 0)
		rc = fit(&records, table, config, error);
	if (rc == 0)
		rc = allocate(&records, error);
	if (rc != 0) {
		records_free(&records);
		return rc;
	}
	fill(&records, table, config);
	*out = records;
	return 0;
}

void records_free(struct records *records)
{
	free(records->x);
	free(records->y);
	free(records->order);
	*records = (struct records){0};
}

static void gather(const void *self, const size_t *order, size_t first, size_t count, const struct samples_batch *out)
{
	const struct records *records = self;
	samples_transpose(records->x, (size_t)records->n_columns, order, first, count, out->x);
	samples_transpose(records->y, (size_t)records->n_targets, order, first, count, out->target);
}

struct samples records_samples(const struct records *records)
{
	bool classes = records->classes > 0;
	return (struct samples){.shape = {.steps = records->steps,
	                                  .n_inputs = records->n_columns / records->steps,
	                                  .target = classes ? TARGET_CLASSES : TARGET_REALS,
	                                  .width = classes ? records->classes : records->n_targets},
	                        .n_train = records->parts.train,
	                        .n_validation = records->parts.validation,
	                        .n_test = records->parts.test,
	                        .self = records,
	                        .gather = gather};
}
