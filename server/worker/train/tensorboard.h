/* A run's history as an event file, for TensorBoard.
 *
 * Scalars by epoch: train_NAME is NAME/train, test_NAME is NAME/test, validation_NAME is NAME/validate, gradient_norm,
 * and the seconds of an epoch are `time`; a value that is not finite is left out. A model that measures words has the
 * tags of Bausch's program: the part that epochs are chosen by (validation, without one test) is `validate`, its
 * error_rate is accuracy/character_error_rate_current, and the smallest so far of it and of its loss are
 * accuracy/character_error_rate_best and loss/validate_best, where they fell. At the end what he records of a run:
 * hparams/epoch, hparams/num_parameters, hparams/validate_best, hparams/character_error_rate_best. The resolved spec is
 * the text `args`; the sequences that training.shown_sequences shows, by the weights that the model has, are the text
 * `validation_samples`. */
#ifndef QLSTM_WORKER_TENSORBOARD_H
#define QLSTM_WORKER_TENSORBOARD_H

#include <stddef.h>

#include "engine/error.h"

struct job;

/* After an epoch at least. The times in the file are `now` (seconds since 1970) less what the epochs behind took.
 * *bytes (malloc) is the caller's. */
int tensorboard_events(const struct job *job, double now, unsigned char **bytes, size_t *length,
                       struct qlstm_error *error);

#endif
