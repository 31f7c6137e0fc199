/* A trained model, from its weights' file alone: the spec and the scaling of its columns stand in the metadata. */
#ifndef QLSTM_WORKER_PREDICTOR_H
#define QLSTM_WORKER_PREDICTOR_H

#include <stddef.h>

#include "engine/error.h"
#include "engine/language/lexicon.h"
#include "engine/nn/model.h"
#include "schema/spec.h"
#include "server/worker/scaling.h"

/* Samples at once. */
#define PREDICTOR_BATCH 64
/* A forward pass in parts of a forward and backward one, which is what the planner estimates. */
#define PREDICTOR_FORWARD_SHARE (1.0 / 3.0)

struct predictor {
	json_t *resolved;
	json_t *columns; /* scaling.h */
	struct spec spec;
	struct column_scaling scaling;
	struct lexicon lexicon;   /* of texts */
	struct vocabulary labels; /* likewise: the names of the classes */
	struct lexicon target;    /* of translations: how targets are written */
	struct model *model;
};

/* ERR_CONFLICT for weights that say nothing of their scaling: they come from a version that did not write it, or from
 * no data at all. On failure there is nothing to close. */
int predictor_open(struct predictor *predictor, const char *weights_path, struct qlstm_error *error);
void predictor_close(struct predictor *predictor);

/* Numbers of an output: targets, or of a classification its classes. */
size_t predictor_width(const struct predictor *predictor);

/* ERR_CONFLICT for a model of words (generator.h) or texts (reading.h); ERR_INVALID for samples of another shape than
 * the model takes: a feature for each input column of a forecasting, else the columns of a row cut into its steps. */
int predictor_check_shape(const struct predictor *predictor, size_t steps, size_t features, struct qlstm_error *error);

/* ERR_TOO_LARGE when so many samples would take more memory or more time (the planner's estimate) than allowed. */
int predictor_check(struct predictor *predictor, size_t samples, size_t steps, size_t max_bytes, double max_seconds,
                    struct qlstm_error *error);

/* outputs [samples][width] of inputs [samples][steps][features], both in the units of the data; of a classification the
 * probabilities of the classes. The bits are those of predictions.csv: they do not depend on how many samples come
 * together. ERR_INVALID at the first sample whose output is not finite. */
int predictor_compute(struct predictor *predictor, const double *inputs, size_t samples, size_t steps, double *outputs,
                      struct qlstm_error *error);

#endif
