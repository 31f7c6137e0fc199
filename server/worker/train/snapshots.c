/* Results of epochs on the way. */
#include "server/worker/train/snapshots.h"

#include <stdio.h>

/* Names and files of the artifacts: a run writes them once, a process has one run. */
static char names[SNAPSHOTS_MAX_ARTIFACTS][32], files[SNAPSHOTS_MAX_ARTIFACTS][48];

static void name(struct artifact *artifact, size_t place, const char *kind, int epoch, const char *suffix)
{
	snprintf(names[place], sizeof names[place], "snapshot_%s_%d", kind, epoch);
	snprintf(files[place], sizeof files[place], "snapshot-%d%s", epoch, suffix);
	*artifact = (struct artifact){.name = names[place], .file = files[place]};
}

static int write_one(struct job *job, int epoch, const char *directory, predictions_progress_fn progress, void *context,
                     size_t place, struct artifact *out, struct qlstm_error *error)
{
	struct predictions predictions;
	name(&out[0], place, "weights", epoch, ".safetensors");
	name(&out[1], place + 1, "predictions", epoch, "-predictions.csv");
	int rc = predictions_compute(&predictions, job, progress, context, error);
	if (rc != 0)
		return rc;
	rc = artifacts_write_snapshot(job, &predictions, directory, out, error);
	predictions_free(&predictions);
	return rc;
}

int snapshots_write(struct job *job, const char *directory, predictions_progress_fn progress, void *context,
                    struct artifact out[SNAPSHOTS_MAX_ARTIFACTS], size_t *count, struct qlstm_error *error)
{
	int rc = 0;
	*count = 0;
	for (int k = 0; rc == 0 && trainer_take_snapshot(job->trainer, k); k++) {
		int epoch = job->spec.training.snapshots.epochs[k];
		rc = write_one(job, epoch, directory, progress, context, *count, out + *count, error);
		*count += 2;
	}
	return rc;
}
