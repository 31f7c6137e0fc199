/* Losses: what training makes small. A loss sees rows (engine/rows.h) and is a mean: of a loss by element over all
 * outputs of all rows that count, of a loss by row over the rows that count. A batch without any has loss 0.
 * Definitions: torch.nn.HuberLoss, CrossEntropyLoss, BCEWithLogitsLoss; quantile is the pinball loss. Rows of classes
 * are multiplied by their class's weight, and the mean is over their number all the same.
 *
 * To add one: two functions and one row of the table in loss.c; its word in schema/experiment.schema.json. Outputs of a
 * loss that takes classes are told as probabilities by the softmax (server/worker/train/predictions.c). */
#ifndef QLSTM_NN_LOSS_H
#define QLSTM_NN_LOSS_H

#include "engine/rows.h"

struct loss {
	const char *name; /* "mse", "mae", "huber", "quantile", "cross_entropy", "bce", "probability_cross_entropy" */
	enum target_kind takes;
	bool by_row; /* one term a row; else one for each of its outputs */
	/* The sum of its terms over the rows that count. */
	double (*sum)(const struct rows *rows);
	/* gradient [frames][width][batch] = scale * d sum / d prediction; 0 in rows that do not count. */
	void (*backward)(const struct rows *rows, double scale, double *gradient);
	/* Nanoseconds of an output of a row: both of them, and the metrics of such targets; a rough guess for the
	 * machine that engine/circuit/planner.c names. */
	double ns;
};

/* NULL when unknown / past the end. */
const struct loss *loss_find(const char *name);
const struct loss *loss_at(int index);

/* How many terms the mean is over, of `n_rows` rows that count. */
static inline size_t loss_terms(const struct loss *loss, size_t n_rows, size_t width)
{
	return loss->by_row ? n_rows : n_rows * width;
}

#endif
