/* A vector for each token. */
#include "engine/nn/layer/token_table.h"

#include <stdio.h>

#define DIMENSION_MOST 4096

int token_table_check(int classes, int dimension, struct qlstm_error *error)
{
	if (classes < 2)
		return error_set(error, ERR_OUT_OF_RANGE, "/classes", "classes is %d; it must be at least 2", classes);
	if (dimension < 1 || dimension > DIMENSION_MOST)
		return error_set(error, ERR_OUT_OF_RANGE, "/dimension", "dimension is %d; allowed are 1 to %d",
		                 dimension, DIMENSION_MOST);
	return 0;
}

int token_table_add(const struct layer *layer, int classes, int dimension, int *index, struct qlstm_error *error)
{
	char name[PARAM_NAME_SIZE];
	snprintf(name, sizeof name, "%s.weight", layer->name);
	*index = params_add(layer->params, name, PARAM_CLASSICAL, INIT_NORMAL, 1.0, 2,
	                    (size_t[]){(size_t)classes, (size_t)dimension});
	return *index < 0 ? error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory") : 0;
}
