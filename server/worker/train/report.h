/* report.json: what a run was, and how well its model does. */
#ifndef QLSTM_WORKER_REPORT_H
#define QLSTM_WORKER_REPORT_H

#include <jansson.h>

#include "server/worker/train/artifacts.h"
#include "server/worker/train/predictions.h"

/* New reference, NULL when out of memory. */
json_t *report_json(struct job *job, const struct predictions *predictions, const struct artifacts_run *run);
/* What the texts of a job were read as: {"vocabulary", "tokens", "unknown", ...}; likewise. */
json_t *report_text_json(const struct job *job);

#endif
