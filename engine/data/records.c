/* Records: counting, checking classes, scaling. */
#include "engine/data/records.h"

#include <math.h>
#include <stdlib.h>

int records_count(size_t n_rows, const struct records_config *config, size_t *n_train, size_t *n_test,
                  struct qlstm_error *error)
{
	if (!(config->train_fraction > 0 && config->train_fraction < 1))
		return error_set(error, ERR_OUT_OF_RANGE, "/split/train", "train is %g, it must lie between 0 and 1",
		                 config->train_fraction);
	size_t train = samples_train_count(config->train_fraction, n_rows);
	if (train == 0 || train >= n_rows)
		return error_set(error, ERR_INVALID, "/split/train",
		                 "train %g of %zu rows leaves no %s row: at least one of each is needed",
		                 config->train_fraction, n_rows, train == 0 ? "training" : "test");
	*n_train = train;
	*n_test = n_rows - train;
	return 0;
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

/* Every value is one of the classes, and none of them is in the test part (from row n_train on) alone. */
static int check_classes(const struct column *column, size_t n_rows, size_t n_train, int classes,
                         struct qlstm_error *error)
{
	bool *seen = calloc((size_t)classes, sizeof *seen);
	int rc = seen == NULL ? error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory") : 0;
	for (size_t i = 0; rc == 0 && i < n_rows; i++) {
		double value = column->values[i];
		if (!(value >= 0 && value < classes && value == floor(value)))
			rc = error_set(error, ERR_INVALID, "/targets/0",
			               "column '%s' holds %.17g in row %zu (from 0); its classes are the whole numbers "
			               "from 0 to %d",
			               column->name, value, i, classes - 1);
		else if (i < n_train)
			seen[(size_t)value] = true;
		else if (!seen[(size_t)value])
			rc = error_set(
			    error, ERR_INVALID, "/targets/0",
			    "class %.17g of column '%s' is in row %zu (from 0) of the test part, and nowhere in the "
			    "training part, the first %zu rows",
			    value, column->name, i, n_train);
	}
	free(seen);
	return rc;
}

static int allocate(struct records *records, struct qlstm_error *error)
{
	size_t count = records->n_train + records->n_test; /* at least two: records_count */
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
	for (size_t i = 0; i < records->n_train + records->n_test; i++) {
		for (int k = 0; k < config->n_inputs; k++)
			*x++ = scaler_apply(records->input_scalers[k], table->columns[config->inputs[k]].values[i]);
		for (int k = 0; k < config->n_targets; k++)
			*y++ = scaler_apply(records->target_scalers[k], table->columns[config->targets[k]].values[i]);
	}
}

/* The scalers, once the columns are known to be there. */
static int fit(struct records *records, const struct table *table, const struct records_config *config,
               struct qlstm_error *error)
{
	size_t rows = config->scaling_fit == SCALING_FIT_TRAIN ? records->n_train : table->n_rows;
	enum scaling of_targets = config->classes > 0 ? SCALING_NONE : config->scaling;
	int rc = windows_fit_columns(table, config->inputs, config->n_inputs, "inputs", config->scaling, rows,
	                             records->input_scalers, error);
	if (rc == 0)
		rc = windows_fit_columns(table, config->targets, config->n_targets, "targets", of_targets, rows,
		                         records->target_scalers, error);
	return rc;
}

static int check(const struct table *table, const struct records_config *config, size_t *n_train, size_t *n_test,
                 struct qlstm_error *error)
{
	int rc = windows_check_columns(table, config->inputs, config->n_inputs, "inputs", error);
	if (rc == 0)
		rc = windows_check_columns(table, config->targets, config->n_targets, "targets", error);
	if (rc == 0)
		rc = check_shape(config, error);
	if (rc == 0)
		rc = records_count(table->n_rows, config, n_train, n_test, error);
	if (rc == 0 && config->classes > 0)
		rc =
		    check_classes(&table->columns[config->targets[0]], table->n_rows, *n_train, config->classes, error);
	return rc;
}

int records_check_classes(const struct table *table, const struct records_config *config, struct qlstm_error *error)
{
	size_t n_train = 0, n_test = 0;
	int rc = windows_check_columns(table, config->targets, config->n_targets, "targets", error);
	if (rc == 0)
		rc = records_count(table->n_rows, config, &n_train, &n_test, error);
	if (rc == 0)
		rc = check_classes(&table->columns[config->targets[0]], table->n_rows, n_train, config->classes, error);
	return rc;
}

int records_take(const struct table *table, const struct records_config *config, struct records *out,
                 struct qlstm_error *error)
{
	struct records records = {.n_columns = config->n_inputs,
	                          .steps = config->steps,
	                          .n_targets = config->n_targets,
	                          .classes = config->classes};
	int rc = check(table, config, &records.n_train, &records.n_test, error);
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
	                        .n_train = records->n_train,
	                        .n_test = records->n_test,
	                        .self = records,
	                        .gather = gather};
}
