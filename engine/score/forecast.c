/* Errors of predicted real numbers. */
#include "engine/score/forecast.h"

#include <math.h>
#include <stdbool.h>

const char *const forecast_score_names[FORECAST_SCORES] = {
    [FORECAST_MSE] = "mse",     [FORECAST_RMSE] = "rmse",
    [FORECAST_MAE] = "mae",     [FORECAST_MAPE] = "mape",
    [FORECAST_SMAPE] = "smape", [FORECAST_MASE] = "mase",
    [FORECAST_R2] = "r2",       [FORECAST_DIRECTION] = "directional_accuracy"};

static int side(double value, double of)
{
	return (value > of) - (value < of);
}

/* Whether there are two different values: a mean is rounded, so a spread above 0 does not say it. */
static bool varies(const double *values, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (values[i] != values[0])
			return true;
	return false;
}

static double r2(const struct forecast *f, double squares)
{
	double mean = 0, spread = 0;
	if (!varies(f->truth, f->count))
		return (double)NAN;
	for (size_t i = 0; i < f->count; i++)
		mean += f->truth[i] / (double)f->count;
	for (size_t i = 0; i < f->count; i++)
		spread += (f->truth[i] - mean) * (f->truth[i] - mean);
	return spread > 0 ? 1 - squares / spread : (double)NAN;
}

void forecast_scores(const struct forecast *f, double out[FORECAST_SCORES])
{
	double n = (double)f->count, squares = 0, absolute = 0, relative = 0, symmetric = 0;
	size_t right = 0;
	for (int k = 0; k < FORECAST_SCORES; k++)
		out[k] = (double)NAN;
	if (f->count == 0)
		return;
	for (size_t i = 0; i < f->count; i++) {
		double truth = f->truth[i], off = fabs(f->prediction[i] - truth);
		double size = fabs(truth) + fabs(f->prediction[i]);
		squares += off * off;
		absolute += off;
		relative += truth != 0 ? off / fabs(truth) : (double)NAN;
		symmetric += size > 0 ? off / size : 0;
		right += f->last != NULL && side(f->prediction[i], f->last[i]) == side(truth, f->last[i]);
	}
	out[FORECAST_MSE] = squares / n;
	out[FORECAST_RMSE] = sqrt(squares / n);
	out[FORECAST_MAE] = absolute / n;
	out[FORECAST_MAPE] = 100 * relative / n;
	out[FORECAST_SMAPE] = 200 * symmetric / n;
	out[FORECAST_MASE] = f->naive > 0 ? absolute / n / f->naive : (double)NAN;
	out[FORECAST_R2] = r2(f, squares);
	if (f->last != NULL)
		out[FORECAST_DIRECTION] = (double)right / n;
}

double forecast_naive(const double *values, size_t n, size_t period)
{
	double sum = 0;
	if (period == 0 || n <= period)
		return (double)NAN;
	for (size_t t = period; t < n; t++)
		sum += fabs(values[t] - values[t - period]);
	return sum / (double)(n - period);
}
