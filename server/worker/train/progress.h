/* How training goes, for a person at a terminal, on standard error. Silent when that is no terminal. */
#ifndef QLSTM_WORKER_PROGRESS_H
#define QLSTM_WORKER_PROGRESS_H

#include <stdbool.h>

#include "engine/train/trainer.h"

struct progress {
	bool line;    /* one line that is rewritten: the JSON lines go elsewhere */
	bool summary; /* a sentence at the end */
	double start, shown;
};

void progress_open(struct progress *progress);
void progress_report_epoch(struct progress *progress, const struct epoch_metrics *metrics, int epochs);
void progress_close(struct progress *progress, const struct trainer *trainer, const char *directory);

#endif
