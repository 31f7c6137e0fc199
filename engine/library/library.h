/* What the files of this room share. The room turns the public structs of engine/qlstm.h into those of the engine, and
 * checks what the engine takes for granted. */
#ifndef QLSTM_LIBRARY_LIBRARY_H
#define QLSTM_LIBRARY_LIBRARY_H

#include "engine/nn/layer_config.h"
#include "engine/nn/model.h"
#include "engine/qlstm.h"

struct qlstm_model {
	struct model *model;
};

/* Fills a zeroed `config`. Errors point at the field, "/n_qubits". */
int library_layer(const struct qlstm_layer *layer, struct layer_config *config, struct qlstm_error *error);

#endif
