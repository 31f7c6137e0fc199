/* Whether the target column of a classification holds classes, and those of words words: the daemon looks into the data
 * once, before it accepts, so that a bad label is refused with its place and does not fail in the worker. */
#ifndef QLSTM_API_LABELS_H
#define QLSTM_API_LABELS_H

#include "schema/spec.h"
#include "server/api/catalog.h"
#include "server/common/cost.h"

/* Reads the columns of a bound spec, unless they were found good before (labels_seen.h); a few at a time, others
 * wait. Nothing to do for other tasks. n_rows: those that samples
 * are cut from (uploaded_rows). Of texts *counted, all but its `table`, is what cost_texts.h counts; of other tasks it
 * is not touched, or {0}. Errors point into the spec, "/data/targets/0". Built-in words are right. */
int labels_check(struct api *api, const struct catalog_entry *entry, const json_t *resolved, struct spec *spec,
                 size_t n_rows, struct cost_windows *counted, struct qlstm_error *error);

#endif
