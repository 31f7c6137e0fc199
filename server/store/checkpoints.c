/* Checkpoints on disk. */
#include "server/store/checkpoints.h"

#include "server/store/rows.h"

int checkpoint_list(struct db *db, const char *id, struct checkpoint_row *rows, int max, struct qlstm_error *error)
{
	int n = 0;
	db_query(db, "SELECT epoch, attempt, file, sha256 FROM checkpoint WHERE experiment_id = :id"
	             " ORDER BY attempt DESC, epoch DESC LIMIT :max");
	db_bind_text(db, ":id", id);
	db_bind_int(db, ":max", max);
	for (; db_step(db) > 0; n++) {
		rows[n].epoch = (int)db_int(db, 0);
		rows[n].attempt = (int)db_int(db, 1);
		column_text(db, 2, rows[n].file, sizeof rows[n].file);
		column_text(db, 3, rows[n].sha256, sizeof rows[n].sha256);
	}
	return db_finish(db) == 0 ? n : db_error(db, error);
}
