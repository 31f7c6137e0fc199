/* A forecast that goes on: a model that predicts what it reads, again and again. Its predictions are the newest rows of
 * the next window, so an error grows from step to step.
 *
 * With horizon 1 a pass gives one row, with horizons 1 .. k it gives k rows, and the next pass reads all of them. In
 * the units of the data: the numbers are those of asking for one row after the other. */
#ifndef QLSTM_WORKER_FORECAST_H
#define QLSTM_WORKER_FORECAST_H

#include "server/worker/predict/predictor.h"

/* Numbers of a row: the targets. */
size_t forecast_width(const struct predictor *predictor);

/* ERR_CONFLICT for a model that is no forecasting, whose horizons are not 1 .. k, or that reads a column which it does
 * not predict; ERR_TOO_LARGE when so many rows would take more memory or time (the planner's estimate) than allowed. */
int forecast_check(struct predictor *predictor, size_t samples, size_t steps, size_t ahead, size_t max_bytes,
                   double max_seconds, struct qlstm_error *error);

/* outputs [samples][ahead][targets] behind inputs [samples][steps][features], in the units of the data; of a
 * model that forecast_check lets pass. ERR_INVALID where an output is not finite. */
int forecast_compute(struct predictor *predictor, const double *inputs, size_t samples, size_t steps, size_t ahead,
                     double *outputs, struct qlstm_error *error);

#endif
