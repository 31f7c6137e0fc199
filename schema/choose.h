/* Which column of a table is meant: by name, by index, or by nobody. */
#ifndef QLSTM_SCHEMA_CHOOSE_H
#define QLSTM_SCHEMA_CHOOSE_H

#include <jansson.h>

#include "engine/data/table.h"
#include "schema/place/place.h"

/* The column that an item of inputs or targets means, a name or an index; -1: none. Of several by that name the first.
 */
int choose_index(const struct table *table, const json_t *item);

/* The same in *index, checked: there, one by that name alone, numeric, and without missing values unless `filled` says
 * that they will be. Errors name the item as `place` has it. */
int choose_column(const struct table *table, const struct place *place, const json_t *item, bool filled, int *index,
                  struct qlstm_error *error);

/* An item that means a column: its name, or its index where the name is long or another column's too. New reference,
 * NULL when out of memory. */
json_t *choose_item(const struct table *table, int column);

/* The column of a forecasting that names none, in *index: the one called value (any case; also one that cannot be used,
 * another would be trained on unnoticed), else the only numeric one; ERR_MISSING with the numeric ones where there are
 * several. */
int choose_default(const struct table *table, int *index, struct qlstm_error *error);

#endif
