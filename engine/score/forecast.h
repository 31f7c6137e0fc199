/* Errors of predicted real numbers beside the true ones, in the units of both.
 *
 *   mse, rmse, mae       mean of e^2, its root, mean of |e|, where e = prediction - truth
 *   mape                 100 mean(|e| / |truth|); NaN where a truth is 0
 *   smape                200 mean(|e| / (|truth| + |prediction|)), 0 where both are 0 (M4 competition)
 *   mase                 mae / naive (Hyndman and Koehler, 2006); NaN where naive is 0 or NaN
 *   r2                   1 - sum e^2 / sum (truth - mean truth)^2; NaN where the truth does not vary
 *   directional_accuracy fraction of samples whose prediction lies on the same side of the last known value as the
 *                        truth; a truth equal to it wants an equal prediction; NaN without last values
 *
 * Example: truth 1, 2, 4 and prediction 1, 3, 2 with last values 0, 1, 2: mse 5/3, mae 1, mape 100/3 (0 + 1/2 + 1/2),
 * directional_accuracy 2/3. */
#ifndef QLSTM_SCORE_FORECAST_H
#define QLSTM_SCORE_FORECAST_H

#include <stddef.h>

enum forecast_score {
	FORECAST_MSE,
	FORECAST_RMSE,
	FORECAST_MAE,
	FORECAST_MAPE,
	FORECAST_SMAPE,
	FORECAST_MASE,
	FORECAST_R2,
	FORECAST_DIRECTION,
	FORECAST_SCORES
};

/* "mse", "rmse", "mae", "mape", "smape", "mase", "r2", "directional_accuracy" */
extern const char *const forecast_score_names[FORECAST_SCORES];

/* Samples, one value each. */
struct forecast {
	size_t count;
	const double *truth, *prediction;
	const double *last; /* the last value known when each prediction is made; NULL: there is none */
	double naive;       /* mean |y[t] - y[t - period]| of the training rows (forecast_naive); NaN: none */
};

/* All of NaN where there are no samples. */
void forecast_scores(const struct forecast *forecast, double out[FORECAST_SCORES]);

/* mean |values[t] - values[t - period]| over t = period .. n - 1; NaN where there is no such t. */
double forecast_naive(const double *values, size_t n, size_t period);

#endif
