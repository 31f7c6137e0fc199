/* A model made from a spec alone, without data: what evaluate, describe and init work on. */
#ifndef QLSTM_WORKER_SPEC_MODEL_H
#define QLSTM_WORKER_SPEC_MODEL_H

#include <jansson.h>

#include "engine/nn/model.h"
#include "schema/spec.h"

struct spec_model {
	json_t *resolved; /* as the user wrote it: without columns where none were named */
	struct spec spec;
	struct model *model; /* parameters are zero, nothing is reserved */
};

/* Reads and resolves the spec (shorthand allowed). Widths: as many inputs and outputs as the spec names columns; where
 * it names none, n_inputs and n_outputs, and where those are 0, one input and as many outputs as the last dense layer
 * has units (else one). ERR_INVALID when the spec names another number than asked for. */
int spec_model_open(struct spec_model *spec_model, const char *spec_path, int n_inputs, int n_outputs,
                    struct qlstm_error *error);
void spec_model_close(struct spec_model *spec_model);

/* Reads and resolves a spec file; *resolved is the caller's. */
int spec_read(const char *path, json_t **resolved, struct qlstm_error *error);

#endif
