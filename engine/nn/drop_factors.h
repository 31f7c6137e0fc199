/* Factors of dropout, with the scaling of torch.nn.Dropout: 0 with probability p, else 1 / (1 - p). */
#ifndef QLSTM_NN_DROP_FACTORS_H
#define QLSTM_NN_DROP_FACTORS_H

#include "engine/nn/training_context.h"

/* factors [units][batch]: unit k of a sample is word k of what the generator says for (seed, layer, epoch, sample), so
 * not by when, where or beside whom the sample is computed. `layer` is the layer's index in the stack. */
void drop_factors_draw(const struct training_context *training, int layer, double p, size_t units, size_t batch,
                       double *factors);

#endif
