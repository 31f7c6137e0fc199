/* Texts, counted as a run will read them: how many samples each part has, and how long they are. */
#ifndef QLSTM_COMMON_COST_TEXTS_H
#define QLSTM_COMMON_COST_TEXTS_H

#include "engine/data/table.h"
#include "server/common/cost.h"

/* Of a spec with a task of texts (task.h), whose columns are bound: all of *windows but `table`. Reads the table as the
 * run does, so what is wrong with its texts, labels or split is found too: errors point into the spec's data part. */
int cost_count_texts(const struct spec *spec, const struct table *table, struct cost_windows *windows,
                     struct qlstm_error *error);

#endif
