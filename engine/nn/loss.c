/* Losses: two functions and one table row each. */
#include "engine/nn/loss.h"

#include <math.h>
#include <string.h>

static size_t all_elements(const struct rows *rows)
{
	return rows->frames * rows->width * rows->batch;
}

/* Whether element i of [frames][width][batch] lies in a row that counts. */
static bool element_counts(const struct rows *rows, size_t i)
{
	return rows_counts(rows, i / (rows->width * rows->batch) * rows->batch + i % rows->batch);
}

/* For losses by element: sets to 0 what lies in rows that do not count. */
static void clear_masked(const struct rows *rows, double *gradient)
{
	for (size_t i = 0; rows->mask != NULL && i < all_elements(rows); i++)
		if (!element_counts(rows, i))
			gradient[i] = 0;
}

/* (p - t)^2 */
static double mse_sum(const struct rows *rows)
{
	const double *prediction = rows->prediction, *target = rows->target;
	size_t n = all_elements(rows);
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		if (rows->mask == NULL || element_counts(rows, i))
			sum += (prediction[i] - target[i]) * (prediction[i] - target[i]);
	return sum;
}

static void mse_backward(const struct rows *rows, double scale, double *gradient)
{
	size_t n = all_elements(rows);
	for (size_t i = 0; i < n; i++)
		gradient[i] = scale * 2 * (rows->prediction[i] - rows->target[i]);
	clear_masked(rows, gradient);
}

/* |p - t|; its gradient is the sign, 0 at 0 */
static double mae_sum(const struct rows *rows)
{
	const double *prediction = rows->prediction, *target = rows->target;
	size_t n = all_elements(rows);
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		if (rows->mask == NULL || element_counts(rows, i))
			sum += fabs(prediction[i] - target[i]);
	return sum;
}

static void mae_backward(const struct rows *rows, double scale, double *gradient)
{
	size_t n = all_elements(rows);
	for (size_t i = 0; i < n; i++) {
		double difference = rows->prediction[i] - rows->target[i];
		gradient[i] = scale * ((difference > 0) - (difference < 0));
	}
	clear_masked(rows, gradient);
}

static const struct loss table[] = {
    {"mse", TARGET_REALS, false, mse_sum, mse_backward},
    {"mae", TARGET_REALS, false, mae_sum, mae_backward},
};

enum { N_LOSSES = sizeof table / sizeof table[0] };

const struct loss *loss_at(int index)
{
	return index >= 0 && index < N_LOSSES ? &table[index] : NULL;
}

const struct loss *loss_find(const char *name)
{
	for (int i = 0; i < N_LOSSES; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}
