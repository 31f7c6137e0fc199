/* Makes the folder that a worker starts in. Blocks: for pool threads. */
#ifndef QLSTM_RUN_PREPARE_H
#define QLSTM_RUN_PREPARE_H

#include <stdbool.h>

#include "engine/error.h"
#include "server/run/attempt.h"

struct prepared {
	char folder[ATTEMPT_PATH_SIZE];
	char data[ATTEMPT_PATH_SIZE];       /* data.csv, data.npy, ...; "" for a built-in series */
	char dialect[ATTEMPT_DIALECT_SIZE]; /* of the data; "" for a built-in series */
	char init[ATTEMPT_PATH_SIZE];       /* weights to start from; "": what the seed draws */
	char resume[ATTEMPT_PATH_SIZE];     /* the checkpoint to go on from, "" to start from scratch */
	bool predicts;                      /* with the weights of `init`; nothing is trained */
	int threads;                        /* of the worker */
	int log_file;                       /* worker.log, open for appending; the caller's to close */
};

/* runs/ID/attempt-N with spec.json, and links to the data set and to the newest checkpoint whose SHA-256 holds (the
 * older one where the newest is damaged). Deletes nothing that another attempt owns. ERR_INVALID when the data set is
 * missing or damaged, else ERR_DISK_FULL, ERR_IO, ... */
int prepare_attempt(const char *data_dir, const struct attempt *attempt, struct prepared *out,
                    struct qlstm_error *error);

#endif
