/* When a run's state is kept, and where. */
#include "server/worker/train/checkpoints.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/common/clock.h"
#include "server/common/file.h"

/* A copy is made when the last one took less than a hundredth of the time since: at most 1 % of a run, every few
 * milliseconds for the usual small model. */
enum { COPY_SHARE = 100, NAME_SIZE = 48 };

static void file_name(int epoch, char name[NAME_SIZE])
{
	snprintf(name, NAME_SIZE, "checkpoint-%d.safetensors", epoch);
}

void checkpoints_open(struct checkpoints *checkpoints, const char *directory, double interval)
{
	*checkpoints = (struct checkpoints){.directory = directory, .interval = interval, .file_at = clock_monotonic()};
}

void checkpoints_close(struct checkpoints *checkpoints)
{
	free(checkpoints->bytes);
	checkpoints->bytes = NULL;
}

static int copy_state(struct checkpoints *checkpoints, const struct job *job, struct qlstm_error *error)
{
	double start = clock_monotonic();
	unsigned char *bytes = NULL;
	size_t length = 0;
	int rc = trainer_save(job->trainer, job->fingerprint, &bytes, &length, error);
	if (rc != 0)
		return rc;
	free(checkpoints->bytes);
	checkpoints->bytes = bytes;
	checkpoints->length = length;
	checkpoints->epoch = trainer_epochs_done(job->trainer);
	checkpoints->copy_at = clock_monotonic();
	checkpoints->copy_seconds = checkpoints->copy_at - start;
	return 0;
}

static void remove_file(const struct checkpoints *checkpoints, int epoch)
{
	char name[NAME_SIZE], *path = NULL;
	file_name(epoch, name);
	if (asprintf(&path, "%s/%s", checkpoints->directory, name) < 0)
		return; /* a file too many is no harm */
	unlink(path);
	free(path);
}

int checkpoints_flush(struct checkpoints *checkpoints, struct pipe *pipe, struct qlstm_error *error)
{
	if (checkpoints->epoch == checkpoints->on_disk[0])
		return 0;
	char name[NAME_SIZE], sha256[65];
	file_name(checkpoints->epoch, name);
	int rc = file_write_atomic(checkpoints->directory, name, checkpoints->bytes, checkpoints->length, error);
	if (rc != 0)
		return rc;
	sha256_hex(checkpoints->bytes, checkpoints->length, sha256);
	pipe_checkpoint(pipe, checkpoints->epoch, name, sha256);
	if (checkpoints->on_disk[1] != 0 && !checkpoints->keep_all)
		remove_file(checkpoints, checkpoints->on_disk[1]);
	checkpoints->on_disk[1] = checkpoints->on_disk[0];
	checkpoints->on_disk[0] = checkpoints->epoch;
	checkpoints->file_at = clock_monotonic();
	checkpoints->file_epoch = checkpoints->epoch;
	return 0;
}

static bool is_due(const struct checkpoints *checkpoints, int epochs_done, double now)
{
	return now - checkpoints->file_at >= checkpoints->interval ||
	       (checkpoints->most_epochs > 0 && epochs_done - checkpoints->file_epoch >= checkpoints->most_epochs);
}

int checkpoints_finish(struct checkpoints *checkpoints, const struct job *job, struct pipe *pipe,
                       struct qlstm_error *error)
{
	int rc = copy_state(checkpoints, job, error);
	return rc == 0 ? checkpoints_flush(checkpoints, pipe, error) : rc;
}

int checkpoints_after_epoch(struct checkpoints *checkpoints, const struct job *job, struct pipe *pipe,
                            struct qlstm_error *error)
{
	double now = clock_monotonic();
	int epochs_done = trainer_epochs_done(job->trainer);
	bool write = epochs_done < job->spec.training.epochs && is_due(checkpoints, epochs_done, now);
	if (!write && now - checkpoints->copy_at < COPY_SHARE * checkpoints->copy_seconds)
		return 0;
	int rc = copy_state(checkpoints, job, error);
	return rc == 0 && write ? checkpoints_flush(checkpoints, pipe, error) : rc;
}
