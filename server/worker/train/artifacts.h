/* The files that a finished run leaves in its folder. */
#ifndef QLSTM_WORKER_ARTIFACTS_H
#define QLSTM_WORKER_ARTIFACTS_H

#include <jansson.h>
#include <stddef.h>

#include "engine/error.h"
#include "engine/text.h"

struct job;
struct predictions;

/* One that the "done" line announces. */
struct artifact {
	const char *name, *file; /* static */
	size_t bytes;
	char sha256[65];
};

enum { ARTIFACT_COUNT = 5 }; /* weights, predictions, report, tensorboard, state */

struct artifacts_run {
	int resumed_from;     /* epoch; 0: from the start */
	char init_sha256[65]; /* of the weights that it started from; "": of its seed */
	double train_seconds, predict_seconds;
	json_t *baselines; /* baselines.h; NULL: there are none */
	json_t *folds;     /* folds.h; NULL: there are none */
};

/* Writes resolved-spec.json and the artifacts, each wholly or not at all. */
int artifacts_write(struct job *job, const struct predictions *predictions, const struct artifacts_run *run,
                    const char *directory, struct artifact out[ARTIFACT_COUNT], struct qlstm_error *error);

/* The weights of the other epoch that the trainer keeps, where that is another one: "weights_best" beside the results
 * of the last epoch, "weights_last" beside those of the best. They are in the model afterwards. 1: written; 0: there
 * are none. */
int artifacts_write_other(struct job *job, const char *directory, struct artifact *out, struct qlstm_error *error);

/* A file that is printed as it is written, never whole in memory: out->file, of which bytes and hash are filled in. */
int artifacts_print(const char *directory, void (*print)(const void *context, struct text *out), const void *context,
                    struct artifact *out, struct qlstm_error *error);

/* Weights and predictions of the parameters in the model, under the names and files that out[0] and out[1] have. */
int artifacts_write_snapshot(struct job *job, const struct predictions *predictions, const char *directory,
                             struct artifact out[2], struct qlstm_error *error);

#endif
