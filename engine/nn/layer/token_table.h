/* A vector for each token: what `embedding` reads tokens by, and `decoder` the ones that were said. */
#ifndef QLSTM_NN_LAYER_TOKEN_TABLE_H
#define QLSTM_NN_LAYER_TOKEN_TABLE_H

#include "engine/nn/layer.h"

/* ERR_OUT_OF_RANGE at "/classes" or "/dimension". */
int token_table_check(int classes, int dimension, struct qlstm_error *error);
/* Declares the tensor "NAME.weight" [classes][dimension], drawn from N(0, 1); *index: its place in params. */
int token_table_add(const struct layer *layer, int classes, int dimension, int *index, struct qlstm_error *error);

#endif
