/* Metrics: what is measured beside the loss, as a mean, or the smallest, over the rows that count (engine/rows.h). An
 * epoch reports each one that takes the samples' targets as train_name, test_name and, where there is such a part,
 * validation_name.
 *
 * To add one: a function and one row of the table in metric.c, METRICS_MAX at most for one kind of target; for C
 * programs a member of struct qlstm_epoch (engine/qlstm.h). */
#ifndef QLSTM_NN_METRIC_H
#define QLSTM_NN_METRIC_H

#include "engine/rows.h"

/* At most so many for one kind of target. */
#define METRICS_MAX 6

struct metric {
	const char *name;                                     /* "accuracy" */
	const char *train_name, *validation_name, *test_name; /* "train_accuracy", ... */
	enum target_kind takes;
	bool least; /* the smallest value is reported, not the mean */
	/* The sum over the rows that count; of `least` the smallest value of all rows. */
	double (*sum)(const struct rows *rows);
};

/* The index-th metric for such targets; NULL past the end. */
const struct metric *metric_for(enum target_kind target, int index);
int metric_count(enum target_kind target);

/* What a metric's sum begins with, and how two of them are joined. */
double metric_none(const struct metric *metric);
double metric_join(const struct metric *metric, double a, double b);

#endif
