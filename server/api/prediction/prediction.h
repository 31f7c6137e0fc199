/* Experiments of kind prediction: what the model of another experiment says of a data set. */
#ifndef QLSTM_API_PREDICTION_H
#define QLSTM_API_PREDICTION_H

#include <jansson.h>
#include <stdbool.h>

#include "schema/spec.h"
#include "server/common/viewer.h"
#include "server/store/store.h"

/* Whether a request is for one: {"kind": "prediction", ...}, or TQ42's, whose inputs name a model. */
bool prediction_is(const json_t *request);

/* The request with all that it leaves to the experiment that init_from names, among what the viewer sees: the long form
 * of that one with kind, init_from, name, tags, notes, priority, limits and data.dataset of its own. What the request
 * says beyond these must be so there. *whole is the caller's. ERR_MISSING, ERR_INVALID and ERR_NOT_FOUND point into the
 * request as ours; into TQ42's after spec_locate. */
int prediction_complete(struct store *store, const struct viewer *viewer, const json_t *request, json_t **whole,
                        struct qlstm_error *error);

/* Whether a data set is of a kind that the model of a bound spec reads: texts, or numbers; nothing is checked of what
 * is no prediction. description: of the data set, JSON; NULL: there is none. ERR_INVALID at "/data/dataset". */
int prediction_check_data(const json_t *spec, const char *description, struct qlstm_error *error);

/* How many samples a data set of `rows` rows gives. ERR_INVALID at "/data/dataset": not one. */
int prediction_count(const struct spec *spec, size_t rows, size_t *samples, struct qlstm_error *error);

#endif
