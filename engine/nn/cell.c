/* The table of recurrent layer types. */
#include "engine/nn/cell.h"

#include <string.h>

#include "engine/nn/qlstm_variant.h"

static const struct {
	const char *type;
	const struct cell_ops *ops; /* NULL: chosen by variant */
} cell_types[] = {
    {"qlstm", NULL},
    {"lstm", &lstm_ops},
};

int cell_find(const struct layer_config *config, const struct cell_ops **ops, struct qlstm_error *error)
{
	for (size_t k = 0; k < sizeof cell_types / sizeof cell_types[0]; k++) {
		if (strcmp(cell_types[k].type, config->type) != 0)
			continue;
		*ops = cell_types[k].ops;
		if (*ops != NULL)
			return 0;
		const struct qlstm_variant *variant = qlstm_variant_find(config->variant);
		if (variant == NULL)
			return error_set(error, ERR_NOT_FOUND, "/variant", "unknown variant '%s'", config->variant);
		*ops = variant->ops;
		return 0;
	}
	return error_set(error, ERR_NOT_FOUND, "/type", "unknown layer type '%s'", config->type);
}
