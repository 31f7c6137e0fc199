/* Whether everything in a data directory holds: the database, every file that a row names, and nothing that is
 * nobody's. Reads alone, also beside a daemon that runs. */
#ifndef QLSTM_DISK_CHECK_H
#define QLSTM_DISK_CHECK_H

#include "engine/error.h"

struct check {
	int files;   /* whose bytes are what the rows say */
	int damaged; /* what does not hold: of the database, of files, of runs whose rows are missing */
	int unowned; /* what the next sweep will remove */
	int foreign; /* what is not the service's */
};
/* Calls `say` for each finding. An error: it could not be looked at. */
int check_directory(const char *data_dir, void (*say)(const char *kind, const char *path, const char *what),
                    struct check *out, struct qlstm_error *error);

#endif
