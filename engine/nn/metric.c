/* Metrics: a function and one table row each. */
#include "engine/nn/metric.h"

#include <math.h>

/* Samples whose outputs are seen together, class by class, as they lie in memory. */
enum { NEAR = 64 };

/* The class of the largest output, of equal ones the first, of n samples; the first sample has these outputs. */
static void find_classes(const struct rows *rows, const double *outputs, size_t n, size_t best[NEAR])
{
	double most[NEAR];
	for (size_t b = 0; b < n; b++) {
		most[b] = outputs[b];
		best[b] = 0;
	}
	for (size_t k = 1; k < rows->width; k++)
		for (size_t b = 0; b < n; b++) {
			double output = outputs[k * rows->batch + b];
			bool more = output > most[b];
			most[b] = more ? output : most[b];
			best[b] = more ? k : best[b];
		}
}

/* 1 for a row whose predicted class is the true one */
static double accuracy_sum(const struct rows *rows)
{
	size_t right = 0, best[NEAR];
	for (size_t f = 0; f < rows->frames; f++)
		for (size_t first = 0; first < rows->batch; first += NEAR) {
			size_t left = rows->batch - first, n = left < NEAR ? left : NEAR, row = f * rows->batch + first;
			find_classes(rows, rows->prediction + f * rows->width * rows->batch + first, n, best);
			for (size_t b = 0; b < n; b++)
				right += rows_counts(rows, row + b) && best[b] == (size_t)rows->target[row + b];
		}
	return (double)right;
}

/* The probability of another outcome than the target, in training, where the target is postselected; else 1 where
 * another one was drawn. */
static double error_sum(const struct rows *rows)
{
	double errors = 0.0;
	for (size_t f = 0; f < rows->frames; f++)
		for (size_t b = 0; b < rows->batch; b++) {
			size_t row = f * rows->batch + b, target = (size_t)rows->target[row];
			if (!rows_counts(rows, row))
				continue;
			errors += rows->training ? 1.0 - rows->prediction[(f * rows->width + target) * rows->batch + b]
			                         : rows->outcomes[row] != rows->target[row];
		}
	return errors;
}

/* The smallest probability that a row was postselected by; 1 where none was. */
static double least_postselection(const struct rows *rows)
{
	double least = 1.0;
	for (size_t f = 0; f < rows->frames; f++)
		for (size_t b = 0; b < rows->batch; b++) {
			size_t row = f * rows->batch + b, target = (size_t)rows->target[row];
			double mask = rows->mask != NULL ? rows->mask[row] : ROW_DRAWN;
			bool drawn = rows->measured ? mask != ROW_GIVEN : !rows->training && mask == ROW_DRAWN;
			if (!drawn)
				least = fmin(least, rows->prediction[(f * rows->width + target) * rows->batch + b]);
		}
	return least;
}

double metric_none(const struct metric *metric)
{
	return metric->least ? 1.0 : 0.0;
}

double metric_join(const struct metric *metric, double a, double b)
{
	return metric->least ? fmin(a, b) : a + b;
}

#define METRIC(name, takes, sum)                                                                                       \
	{                                                                                                              \
		name, "train_" name, "validation_" name, "test_" name, takes, false, sum                               \
	}

static const struct metric table[] = {
    METRIC("accuracy", TARGET_CLASSES, accuracy_sum),
    METRIC("accuracy", TARGET_WORDS, accuracy_sum),
    METRIC("error_rate", TARGET_WORDS, error_sum),
    {"min_postsel_prob", "train_min_postsel_prob", "validation_min_postsel_prob", "test_min_postsel_prob", TARGET_WORDS,
     true, least_postselection},
};
_Static_assert(sizeof table / sizeof table[0] <= METRICS_MAX, "raise METRICS_MAX: an epoch's row has that much room");

const struct metric *metric_for(enum target_kind target, int index)
{
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (table[i].takes == target && index-- == 0)
			return &table[i];
	return NULL;
}

int metric_count(enum target_kind target)
{
	int count = 0;
	while (metric_for(target, count) != NULL)
		count++;
	return count;
}
