/* Experiments in the words of MLflow: a project is its experiment, an experiment its run. */
#ifndef QLSTM_API_MLFLOW_SHAPE_H
#define QLSTM_API_MLFLOW_SHAPE_H

#include <jansson.h>

#include "server/store/experiments.h"

/* The id of a project's experiment is its name, but `default` has "0", which MLflow's client asks for where nobody
 * named one; a project "0" has "default" in turn. The function is its own inverse: id to name, name to id. */
const char *mlflow_experiment_id(const char *project);

/* Milliseconds; new reference. */
json_t *mlflow_experiment_json(const char *project, int64_t created_at, int64_t last_at);

/* Run: `info`, and in `data` the metrics of the last epoch (with best_test_loss), the spec as parameters
 * ("training.epochs": "100"), tags ("kind=first" is the tag kind) with mlflow.runName, mlflow.user,
 * mlflow.note.content. New reference. */
json_t *mlflow_run_json(const struct experiment_row *row);

/* When the epochs of a run began to count: the time that the first `seconds` of them are added to. */
int64_t mlflow_epoch_time(const struct experiment_row *row, double seconds);

/* {"key", "value", "timestamp", "step"}; a number that is not finite is text, as in JSON of protobuf. New reference. */
json_t *mlflow_metric_json(const char *key, const json_t *value, int64_t timestamp, int step);

#endif
