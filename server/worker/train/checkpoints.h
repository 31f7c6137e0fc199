/* When a run's state is kept, and where: files at intervals, and between them a copy in memory for the moment the run
 * is told to stop in the middle of an epoch. */
#ifndef QLSTM_WORKER_CHECKPOINTS_H
#define QLSTM_WORKER_CHECKPOINTS_H

#include <stdbool.h>

#include "server/worker/train/job.h"
#include "server/worker/train/pipe.h"

struct checkpoints {
	const char *directory; /* borrowed */
	double interval;       /* least seconds between files; a run shorter than it writes none */
	double file_at;        /* clock_monotonic of the newest file, or of the start */
	int most_epochs;       /* between files, however soon they are over; 0: any number */
	int file_epoch;        /* of the newest file, or where the run began */
	int on_disk[2];        /* epochs of this attempt's newest files, newest first; 0: none */
	bool keep_all;         /* older files are the daemon's to remove: it may not have heard of newer ones yet */

	unsigned char *bytes; /* state at the end of epoch `epoch` */
	size_t length;
	int epoch; /* 0: no copy yet */
	double copy_at, copy_seconds;
};

void checkpoints_open(struct checkpoints *checkpoints, const char *directory, double interval);
void checkpoints_close(struct checkpoints *checkpoints);

/* After each epoch. Copies the state when that costs little of the run's time, writes it when the interval or the
 * number of epochs is over. Not after the last epoch: the results follow. */
int checkpoints_after_epoch(struct checkpoints *checkpoints, const struct job *job, struct pipe *pipe,
                            struct qlstm_error *error);

/* After the last epoch, where more is to follow that takes time: copies and writes the state. */
int checkpoints_finish(struct checkpoints *checkpoints, const struct job *job, struct pipe *pipe,
                       struct qlstm_error *error);

/* Writes the newest copy unless it is on disk already; keeps the newest two files, or all. */
int checkpoints_flush(struct checkpoints *checkpoints, struct pipe *pipe, struct qlstm_error *error);

#endif
