/* What a database file must be before it is used: ours, undamaged, and of the version that this program knows. */
#ifndef QLSTM_STORE_MIGRATE_H
#define QLSTM_STORE_MIGRATE_H

#include "engine/error.h"
#include "server/store/db.h"

/* Runs `schema` on an empty database, migrates an older one, and refuses foreign and newer ones (ERR_INVALID) and
 * damaged ones (ERR_CORRUPT). Each step is one transaction. */
int schema_adopt(struct db *db, const char *schema, struct qlstm_error *error);

/* Whether the database is of this program and of its newest version, without changing anything: ERR_INVALID. */
int schema_check(struct db *db, struct qlstm_error *error);

#endif
