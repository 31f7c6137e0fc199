/* What very simple predictors say of the same samples, beside the model's scores: the member "baselines" of
 * report.json.
 *
 *   last_value      forecasting: the target's last value inside the window
 *   seasonal_naive  forecasting with data.period: the last value known of the same place in the period; samples before
 *                   whose window there is none are left out
 *   linear          forecasting and regression of numbers: 1 and all inputs of the sample, by least squares on the
 *                   training part (engine/score/linear_fit.h); of a forecasting a linear autoregression over the window
 *   mean            regression: the mean of the training part
 *   majority_class  classification: the frequencies of the classes in the training part as probabilities
 *
 * Words have none. */
#ifndef QLSTM_WORKER_BASELINES_H
#define QLSTM_WORKER_BASELINES_H

#include <jansson.h>

#include "server/worker/train/predictions.h"

/* Samples times the square of the inputs past which "linear" is null: it would take minutes. */
#define BASELINES_MAX_WORK 1e10

/* {"last_value": {"train": [...], "test": [...]}, ...}, each as scores_json gives them. *out is a new reference.
 * ERR_CANCELLED where `progress` says so. */
int baselines_json(const struct job *job, predictions_progress_fn progress, void *context, json_t **out,
                   struct qlstm_error *error);

#endif
