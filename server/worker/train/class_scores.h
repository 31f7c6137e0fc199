/* How well classes are told in one part of the samples. */
#ifndef QLSTM_WORKER_CLASS_SCORES_H
#define QLSTM_WORKER_CLASS_SCORES_H

#include <jansson.h>

#include "server/worker/train/predictions.h"

/* An entry as scores_json lists them. New reference, NULL when out of memory. */
json_t *class_scores_json(const struct predictions *predictions, const struct job *job, const struct job_part *part);

#endif
