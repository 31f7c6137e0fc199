/* What a trained model says about every sample, in original units, or as probabilities of classes, beside the truth. */
#ifndef QLSTM_WORKER_PREDICTIONS_H
#define QLSTM_WORKER_PREDICTIONS_H

#include "engine/text.h"
#include "server/worker/train/job.h"

struct predictions {
	size_t count;   /* samples, the training part first; of words scored positions, of tags tokens */
	int width;      /* targets; of classes their number */
	double *values; /* [count][width]: original units; of classes probabilities, which add up to 1 */
	bool gaps;      /* where a value is NaN nothing was predicted; not of a model */
	size_t *places; /* of words: [count], sequence * steps + step; of tags: which token of all */
};

/* Called now and then with the samples done; a non-zero return stops (ERR_CANCELLED). */
typedef int (*predictions_progress_fn)(void *context, size_t done, size_t count);

int predictions_compute(struct predictions *out, struct job *job, predictions_progress_fn progress, void *context,
                        struct qlstm_error *error);
void predictions_free(struct predictions *predictions);

/* The columns of a header line after the first ones, and the end of a line about that row of the table: NAME,
 * NAME_predicted, for classes and words NAME_probability_0, ..., row, and time where the table has times. */
void predictions_header(struct text *out, const struct job *job, int width);
void predictions_line_end(struct text *out, const struct job *job, size_t row);

/* CSV: part (train or test), index (of the sample), then for each target NAME and NAME_predicted, of several horizons
 * NAME_h1, NAME_h1_predicted, NAME_h2, ..., all targets at the first, then at the second; of a classification
 * NAME, NAME_predicted (the most probable class) and NAME_probability_0, NAME_probability_1, ... */
void predictions_csv(const struct predictions *predictions, const struct job *job, struct text *out);

#endif
