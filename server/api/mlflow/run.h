/* The run that a request names in its query. */
#ifndef QLSTM_API_MLFLOW_RUN_H
#define QLSTM_API_MLFLOW_RUN_H

#include "server/api/context.h"
#include "server/http/reply.h"
#include "server/store/experiments.h"

/* By run_id, or its older name run_uuid, where the caller sees it; answers and returns NULL otherwise. Borrowed from
 * the request. *row: experiment_row_free. */
const char *mlflow_run_or_reply(struct api *api, const struct http_request *request, struct http_reply *reply,
                                struct experiment_row *row);
/* The same of an id that is known. */
bool mlflow_run_read_or_reply(struct api *api, const struct http_request *request, struct http_reply *reply,
                              const char *id, struct experiment_row *row);

#endif
