/* The quantum gated recurrent unit's variants: the ansatz that each has where the layer names none. */
#ifndef QLSTM_NN_CELL_QGRU_H
#define QLSTM_NN_CELL_QGRU_H

#include "engine/nn/layer_config.h"

struct qgru_variant {
	const char *name, *ansatz;
};

const struct qgru_variant *qgru_variant_at(int index); /* NULL past the end */

#endif
