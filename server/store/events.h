/* The table `event`: everything that happened to an experiment, in order. Rows are only ever added. */
#ifndef QLSTM_STORE_EVENTS_H
#define QLSTM_STORE_EVENTS_H

#include <jansson.h>

#include "engine/error.h"
#include "server/store/db.h"
#include "server/store/outbox.h"

/* Adds a row and puts it into the connection's outbox, if it has one. Steals `body`, an object; NULL is
 * ERR_OUT_OF_MEMORY. */
int event_insert(struct db *db, const char *experiment, const char *type, int attempt, int64_t at, json_t *body,
                 struct qlstm_error *error);

/* The first `limit` events of an experiment whose id is above `after`, in order, pushed into `out`. */
int event_list(struct db *db, const char *experiment, int64_t after, int limit, struct outbox *out,
               struct qlstm_error *error);
/* The same without those of type "epoch". *last is the id of the experiment's last event of any type, 0 for none. Reads
 * past all of the experiment's epochs. */
int event_list_brief(struct db *db, const char *experiment, int64_t after, int limit, struct outbox *out, int64_t *last,
                     struct qlstm_error *error);

#endif
