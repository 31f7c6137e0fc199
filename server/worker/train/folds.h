/* The folds of a run (engine/data/fold.h): each is trained from the same start, with its own scaling, and scored like
 * the run itself. They are trained behind it, one after the other, and depend on nothing but the spec and the data: a
 * run that was killed among them goes on with its last epoch and trains them again, to the same numbers. */
#ifndef QLSTM_WORKER_FOLDS_H
#define QLSTM_WORKER_FOLDS_H

#include <jansson.h>

#include "server/worker/train/predictions.h"

/* The member "folds" of report.json; NULL in *out where the spec has none:
 *   {"method": "k_fold", "count": 5, "folds": [FOLD, ...], "test": [SCORES, ...]}
 * FOLD: {"fold": 1, "train": samples, "test": samples, "epochs", "kept_epoch", "train_loss", "test_loss", "metrics":
 * as scores.h has them, "history": [{"train_loss", "test_loss"}, ...]}, or {"fold", "error"} where a loss was no number
 * or a class of the test part is not in the training part. SCORES, an entry for each target: {"target", "mean": {"mse":
 * ...}, "deviation": {...}, "folds": how many}: of each number of the test part's metrics the mean over the folds that
 * have it, and the deviation of a sample (n - 1; null for one).
 *
 * `progress` is called with the epochs done of all folds, within each batch; where it says so they are stopped
 * (ERR_CANCELLED), and *out holds those that are done. */
int folds_run(const struct job *job, int threads, predictions_progress_fn progress, void *context, json_t **out,
              struct qlstm_error *error);

#endif
