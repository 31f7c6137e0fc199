/* Losses: mean over all targets and samples of a batch. To add one: two functions and one row of the table in loss.c.
 */
#ifndef QLSTM_NN_LOSS_H
#define QLSTM_NN_LOSS_H

#include <stddef.h>

struct loss {
	const char *name; /* "mse", "mae" */
	/* The sum over n elements of the loss of (prediction, target). */
	double (*sum)(const double *prediction, const double *target, size_t n);
	/* gradient[i] = scale * d sum / d prediction[i]. MAE: sign, 0 at 0. */
	void (*backward)(const double *prediction, const double *target, size_t n, double scale, double *gradient);
};

/* NULL when unknown / past the end. */
const struct loss *loss_find(const char *name);
const struct loss *loss_at(int index);

#endif
