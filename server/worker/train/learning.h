/* Where a model learns: the member "gradients" of report.json.
 *
 *   {"epoch", "quantum", "classical",                      root mean squares over the last epoch's batches of L2 norms
 *    "tensors": [{"tensor", "kind", "norm"}],
 *    "cannot_learn": [{"tensor", "circuit", "angle", "reason"}],  angles whose gradient was exactly 0 in every batch
 *    "cannot_learn_count",                                 of them in all; at most 100 are listed
 *    "trivial": [{"tensor", "message"}]}                   circuits that are products of cosines
 *
 * "angle" is the index in the circuit's angles, row "circuit" of the tensor. */
#ifndef QLSTM_WORKER_LEARNING_H
#define QLSTM_WORKER_LEARNING_H

#include <jansson.h>

#include "server/worker/train/job.h"

/* New reference, NULL when out of memory. Null where no epoch was run by this process. */
json_t *learning_json(const struct job *job);

/* A sentence where a circuit of the model is classically trivial, else "". */
void learning_warning(const struct job *job, char *out, size_t size);

#endif
