/* The worker's end of the pipe to the daemon: one function a line type of common/line.h, one write() a line.
 *
 * Senders do not fail: when nobody reads any more the pipe is broken, and whoever drives the work asks that when it
 * asks whether to stop. */
#ifndef QLSTM_WORKER_PIPE_H
#define QLSTM_WORKER_PIPE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/train/trainer.h"
#include "server/common/line.h"
#include "server/worker/train/artifacts.h"

struct pipe {
	int fd;
	bool broken;       /* EPIPE, or any other failed write */
	double last_line;  /* clock_monotonic */
	char warning[256]; /* of the results, for the line of done; "": none */
	char line[LINE_MAX_BYTES];
};

struct pipe_hello {
	const char *plan;
	size_t parameters;
	int epoch; /* resumed after it; 0: from the start */
};

void pipe_hello(struct pipe *pipe, const struct pipe_hello *hello);
/* Nothing when another line went out less than a second ago: any line is a sign of life. */
void pipe_heartbeat(struct pipe *pipe, int epoch, size_t batch, size_t n_batches);
void pipe_epoch(struct pipe *pipe, const struct epoch_metrics *metrics);
void pipe_checkpoint(struct pipe *pipe, int epoch, const char *file, const char *sha256);
void pipe_log(struct pipe *pipe, const char *level, const char *format, ...) __attribute__((format(printf, 3, 4)));
void pipe_done(struct pipe *pipe, const struct artifact *artifacts, size_t count);
/* The reason is found from the error's code. */
void pipe_error(struct pipe *pipe, const struct qlstm_error *error);

#endif
