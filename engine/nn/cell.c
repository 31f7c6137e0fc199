/* Which cell a recurrent layer carries through time. */
#include "engine/nn/cell.h"

#include "engine/nn/layer.h"

int cell_find(const struct layer_config *config, const struct cell_ops **ops, struct qlstm_error *error)
{
	const struct layer_type *type;
	int rc = layer_type_of(config, &type, error);
	if (rc != 0)
		return rc;
	*ops = type->cell;
	if (*ops == NULL && type->choose_cell != NULL)
		return type->choose_cell(config, ops, error);
	return *ops != NULL ? 0 : error_set(error, ERR_NOT_FOUND, "/type", "type '%s' has no cell", type->name);
}
