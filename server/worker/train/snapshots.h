/* Results of epochs on the way, as training.snapshots names them: the weights after each, and what they say of every
 * sample. They are computed at the end, from the parameters that the trainer, and so every checkpoint, has kept: a run
 * that was killed and went on leaves the bytes of one that was not. */
#ifndef QLSTM_WORKER_SNAPSHOTS_H
#define QLSTM_WORKER_SNAPSHOTS_H

#include "engine/train/trainer.h"
#include "server/worker/train/artifacts.h"
#include "server/worker/train/predictions.h"

enum { SNAPSHOTS_MAX_ARTIFACTS = 2 * TRAINER_MAX_SNAPSHOTS };

/* Files "snapshot-15.safetensors" and "snapshot-15-predictions.csv", announced as "snapshot_weights_15" and
 * "snapshot_predictions_15", of every epoch that is done; *count: how many artifacts these are. The names are static.
 * The model holds the last one's parameters afterwards. */
int snapshots_write(struct job *job, const char *directory, predictions_progress_fn progress, void *context,
                    struct artifact out[SNAPSHOTS_MAX_ARTIFACTS], size_t *count, struct qlstm_error *error);

#endif
