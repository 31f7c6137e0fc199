/* Parameters as safetensors: all of a model's tensors by name, in the model's order. Who else reads or writes weights
 * says by these functions what is wrong with them. */
#ifndef QLSTM_EXPORT_PARAMS_TENSORS_H
#define QLSTM_EXPORT_PARAMS_TENSORS_H

#include "engine/error.h"
#include "engine/export/safetensors.h"
#include "engine/nn/params.h"

/* *bytes (malloc) is the caller's. */
int params_to_safetensors(const struct params *params, const struct safetensors_meta *meta, int n_meta,
                          unsigned char **bytes, size_t *length, struct qlstm_error *error);
/* Names of tensors that begin so are what an optimiser remembers (trainer_save_state); no parameter has such a name. */
#define PARAMS_OPTIMIZER_PREFIX "optimizer."

/* Sets every parameter; what an optimiser remembers is passed over. Refused, and then nothing is set: a tensor that is
 * missing (ERR_MISSING), one too many (ERR_UNKNOWN_FIELD) or of another shape (ERR_INVALID). */
int params_from_safetensors(struct params *params, const struct safetensors_file *file, struct qlstm_error *error);

/* ERR_MISSING: the weights lack `param`. */
int params_refuse_missing(const struct param *param, struct qlstm_error *error);
/* ERR_UNKNOWN_FIELD: the model has no tensor of that name; names the nearest. */
int params_refuse_extra(const struct params *params, const char *name, struct qlstm_error *error);
/* ERR_INVALID unless the shape is that of `param`. */
int params_check_shape(const struct param *param, int rank, const size_t *dims, struct qlstm_error *error);

#endif
