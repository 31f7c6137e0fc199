/* Nested JSON arrays <-> arrays of double in any axis order, given by strides (in elements).
 *
 * The engine keeps the batch innermost: [batch][time][feature] is read into [time][feature][batch] with the strides
 * {1, features * batch, batch}. */
#ifndef QLSTM_COMMON_TENSORS_H
#define QLSTM_COMMON_TENSORS_H

#include <jansson.h>
#include <stddef.h>

#include "engine/error.h"

#define TENSOR_MAX_RANK 6

/* The shape of `rank` levels of arrays with numbers inside, 0 <= rank <= TENSOR_MAX_RANK. Refuses empty arrays, uneven
 * lengths and whatever else is no number; `pointer` is where `json` sits ("" for a whole file). */
int tensor_shape(const json_t *json, int rank, const char *pointer, size_t *dims, struct qlstm_error *error);

/* values[sum index * stride] = element, for a value that tensor_shape accepted. */
void tensor_fill(const json_t *json, int rank, const size_t *strides, double *values);

/* The reverse; new reference, NULL when out of memory. */
json_t *tensor_json(int rank, const size_t *dims, const size_t *strides, const double *values);

/* Row-major strides of a shape. */
void tensor_strides(int rank, const size_t *dims, size_t *strides);

/* "[4][2][3]", "a number" for rank 0. */
void tensor_print_shape(int rank, const size_t *dims, char *out, size_t size);

#endif
