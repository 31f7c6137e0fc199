/* How good predictions are, part by part and target by target: the member "metrics" of report.json, and of the same
 * shape what each baseline gives. */
#ifndef QLSTM_WORKER_SCORES_H
#define QLSTM_WORKER_SCORES_H

#include <jansson.h>

#include "engine/score/forecast.h"
#include "server/worker/train/predictions.h"

/* Classes past which a report has no confusion matrix, no areas under ROC curves and no list by class. */
#define SCORES_MAX_CLASSES 100

/* {"train": [...], "validation": [...], "test": [...]}, an entry for each target, of several horizons for each
 * target at each of them; validation only where there is such a
 * part. Each has "target", of several horizons "horizon", and "samples". Of real numbers, in the units of the data
 * (engine/score/forecast.h): "mse", "rmse", "mae", "mape", "smape", "r2", of a forecasting also "mase",
 * "directional_accuracy". Of classes (engine/score/classes.h): "accuracy", "balanced_accuracy", "precision", "recall",
 * "f1", "specificity", "cross_entropy" (nats), "roc_auc" (of two classes that of class 1, of more the mean over classes
 * against the rest), "by_class" and "confusion" [truth][predicted]. Null is what is not defined, such as r2 where the
 * truth is constant. Of words: word_predictions.h. New reference, NULL when out of memory.
 *
 * Samples whose prediction is NaN are left out where predictions->gaps says so. */
json_t *scores_json(const struct predictions *predictions, const struct job *job);

/* Whether samples of the job's task have that score (enum forecast_score). */
bool scores_has(const struct job *job, int score);
/* Truth, prediction and last value of a part's samples for one target, in `values`, which has room for three of each
 * sample and lives on; y [count of the part][targets] in the units of the data. */
struct forecast scores_gather(const double *y, const struct job *job, const struct job_part *part, int target,
                              double *values);

#endif
