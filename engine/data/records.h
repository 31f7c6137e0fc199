/* Records: every row of a table is a sample of its own, as images, measured curves and labelled sequences come.
 *
 * The inputs of a row are laid out as a sequence: [steps][inputs / steps], in the order in which the columns are
 * chosen; 64 pixels as 8 steps are the 8 lines of an image. The target is one row of real numbers, or a class: a column
 * of whole numbers from 0 to classes - 1. split.h says which rows are trained on. A class that is in another part must
 * be in the training part too. */
#ifndef QLSTM_DATA_RECORDS_H
#define QLSTM_DATA_RECORDS_H

#include "engine/data/samples.h"
#include "engine/data/table.h"
#include "engine/data/windows.h"

struct records_config {
	int n_inputs, n_targets;
	const int *inputs, *targets; /* column indices, borrowed; of classes one target */
	int steps;                   /* divides n_inputs */
	int classes;                 /* 0: targets are real numbers */
	struct split split;          /* resolved */
	enum scaling scaling;        /* of inputs and real targets, column by column; classes are left as they are */
	enum scaling_fit scaling_fit;
};

struct records {
	int n_columns, steps, n_targets, classes; /* n_columns: inputs of a row */
	struct parts parts;
	double *x;     /* [samples][n_columns] */
	double *y;     /* [samples][n_targets] */
	size_t *order; /* [samples]: which row each one is; NULL: the same */
	struct scaler input_scalers[SAMPLES_MAX_COLUMNS], target_scalers[SAMPLES_MAX_COLUMNS];
};

/* Errors point into the experiment's data part: "/inputs/0" (not numeric), "/targets/0" (a value that is no class, with
 * its row, counted from 0), "/steps", "/split/train". */
int records_take(const struct table *table, const struct records_config *config, struct records *out,
                 struct qlstm_error *error);
/* The check of the classes alone: the values of the target's column are all of the table that is looked at. */
int records_check_classes(const struct table *table, const struct records_config *config, struct qlstm_error *error);
void records_free(struct records *records);
/* Borrows `records`. */
struct samples records_samples(const struct records *records);

/* The sizes of the parts of n_rows rows, without taking anything. */
int records_count(size_t n_rows, const struct records_config *config, struct parts *out, struct qlstm_error *error);

#endif
