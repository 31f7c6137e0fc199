/* In which order steps are done and where their results stand. Internal to engine/circuit. */
#ifndef QLSTM_CIRCUIT_LOCAL_SCHEDULE_H
#define QLSTM_CIRCUIT_LOCAL_SCHEDULE_H

#include "engine/circuit/local/local_steps.h"

/* Reorders steps, which are in an order that works, so that equal operations stand in runs: within windows, since a
 * result should be used while it is in the cache. `pending` [nodes] is zero and stays so. */
void local_schedule_order(struct local_step *steps, uint32_t count, uint8_t *pending);

/* Rows by node for one tile's steps, taking rows from `next` on; returns the first one not taken. `rows` has a row for
 * whatever a row is given already, LOCAL_ROW_NONE elsewhere; nodes with `kept` keep theirs to the end. Returns
 * UINT32_MAX when out of memory. */
#define LOCAL_ROW_NONE UINT32_MAX
uint32_t local_schedule_rows(const struct local_step *steps, uint32_t count, const bool *kept, uint32_t n_nodes,
                             uint32_t *rows, uint32_t next);

#endif
