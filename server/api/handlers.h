/* The handlers, by file; routes.c says which path each serves. `context` is the struct api. */
#ifndef QLSTM_API_HANDLERS_H
#define QLSTM_API_HANDLERS_H

#include "server/api/context.h"
#include "server/http/http.h"

#define HANDLER(name) void name(void *context, struct http_request *request, struct http_reply *reply)

/* experiments.c, experiment/list.c, experiment/patch.c */
HANDLER(experiments_post);
HANDLER(experiments_list);
HANDLER(experiments_get);
HANDLER(experiments_patch);
/* experiment/fork.c */
HANDLER(experiments_fork);
/* experiment/predict_dataset.c */
HANDLER(experiments_predict_dataset);
HANDLER(experiments_delete);
/* life.c */
HANDLER(experiments_cancel);
HANDLER(experiments_pause);
HANDLER(experiments_resume);
HANDLER(experiments_retry);
/* metrics_history.c */
HANDLER(metrics_history_get);
/* events.c */
HANDLER(events_get);
/* logs.c */
HANDLER(logs_get);
/* artifacts.c */
HANDLER(artifacts_predictions);
HANDLER(artifacts_report);
HANDLER(artifacts_tensorboard);
/* dataset/export.c */
HANDLER(datasets_export);
/* dataset/join.c */
HANDLER(datasets_join);
/* inference/v2.c */
HANDLER(v2_server);
HANDLER(v2_live);
HANDLER(v2_ready);
HANDLER(v2_model);
HANDLER(v2_model_ready);
HANDLER(v2_infer);
/* mlflow/experiments.c, run.c, runs.c, artifacts.c */
HANDLER(mlflow_experiments_search);
HANDLER(mlflow_experiments_get);
HANDLER(mlflow_experiments_get_by_name);
HANDLER(mlflow_runs_get);
HANDLER(mlflow_metrics_history);
HANDLER(mlflow_runs_search);
HANDLER(mlflow_artifacts_list);
HANDLER(mlflow_artifacts_browse);
HANDLER(mlflow_artifacts_download);
/* predict.c */
HANDLER(predict_post);
/* generate.c */
HANDLER(generate_post);
/* export/weights.c */
HANDLER(weights_get);
/* export/outcome.c */
HANDLER(outcome_get);
/* export/circuit.c */
HANDLER(circuit_get);
/* datasets.c */
HANDLER(datasets_post);
HANDLER(datasets_list);
HANDLER(datasets_get);
HANDLER(datasets_content);
HANDLER(datasets_delete);
/* access/keys.c */
HANDLER(keys_list);
HANDLER(keys_post);
HANDLER(keys_revoke);
HANDLER(keys_rotate);
/* backup.c */
HANDLER(backup_get);
/* drain.c */
HANDLER(drain_get);
HANDLER(drain_post);
HANDLER(drain_delete);
/* service.c */
HANDLER(service_metrics);
HANDLER(service_health);
HANDLER(service_ready);
HANDLER(service_version);
/* access/session.c */
HANDLER(session_page);
HANDLER(session_asset);
HANDLER(session_get);
HANDLER(session_post);
HANDLER(session_delete);
/* contract.c */
HANDLER(contract_openapi_json);
HANDLER(contract_openapi_yaml);
HANDLER(contract_schema);
HANDLER(contract_problem);
HANDLER(contract_nothing_here);

#undef HANDLER

#endif
