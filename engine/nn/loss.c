/* Losses: two functions and one table row each. */
#include "engine/nn/loss.h"

#include <math.h>
#include <string.h>

static double mse_sum(const double *prediction, const double *target, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += (prediction[i] - target[i]) * (prediction[i] - target[i]);
	return sum;
}

static void mse_backward(const double *prediction, const double *target, size_t n, double scale, double *gradient)
{
	for (size_t i = 0; i < n; i++)
		gradient[i] = scale * 2 * (prediction[i] - target[i]);
}

static double mae_sum(const double *prediction, const double *target, size_t n)
{
	double sum = 0;
	for (size_t i = 0; i < n; i++)
		sum += fabs(prediction[i] - target[i]);
	return sum;
}

static void mae_backward(const double *prediction, const double *target, size_t n, double scale, double *gradient)
{
	for (size_t i = 0; i < n; i++) {
		double difference = prediction[i] - target[i];
		gradient[i] = scale * ((difference > 0) - (difference < 0));
	}
}

static const struct loss rows[] = {
    {"mse", mse_sum, mse_backward}, /* (p - t)^2 */
    {"mae", mae_sum, mae_backward}, /* |p - t| */
};

enum { N_ROWS = sizeof rows / sizeof rows[0] };

const struct loss *loss_at(int index)
{
	return index >= 0 && index < N_ROWS ? &rows[index] : NULL;
}

const struct loss *loss_find(const char *name)
{
	for (int i = 0; i < N_ROWS; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}
