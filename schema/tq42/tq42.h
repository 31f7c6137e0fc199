/* A request of TQ42 ({"parameters": {..}, "inputs": {"data": {"storage_id": ..}}}) as a request of ours.
 *
 * GENERIC_ML_TRAIN: layers as they stand, columns by index; each row is a sample. model_type MLP: all inputs at once,
 * one step; RNN: an input a step. Loss BCE or CROSSENTROPY makes it a classification, of 2 classes or of as many as the
 * last dense layer has units. TS_HQLSTM_TRAIN (input_width, label_width, time_column, target_column): a forecast by a
 * QLSTM, of as many values as label_width says. Names in snake_case or camelCase; enums by name in any case or by
 * number; what is absent has TQ42's default. GENERIC_ML_INFER, TS_HQLSTM_EVAL (inputs.model): a prediction; what is
 * repeated of the model is compared, nothing else has a default. Beside parameters and inputs the request may have
 * project and tags, as ours.
 */
#ifndef QLSTM_SCHEMA_TQ42_H
#define QLSTM_SCHEMA_TQ42_H

#include <jansson.h>
#include <stdbool.h>

#include "engine/error.h"

/* Whether the request is one of TQ42's: it has parameters, which ours never have. */
bool tq42_is(const json_t *request);
/* Whether it is one of inference (GENERIC_ML_INFER, TS_HQLSTM_EVAL): its inputs name a model. */
bool tq42_infers(const json_t *request);
/* *out is the caller's. Refused with a pointer into the request: what is unknown, or not offered here. */
int tq42_translate(const json_t *request, json_t **out, struct qlstm_error *error);
/* Moves the pointer of an error in the translation to where the request has the field. */
void tq42_locate(const json_t *request, struct qlstm_error *error);

#endif
