/* Arrays of samples that have lengths of their own, [steps][rows][batch], padding behind each sample's last step. */
#ifndef QLSTM_NN_LAYER_RAGGED_H
#define QLSTM_NN_LAYER_RAGGED_H

#include <stdbool.h>
#include <stddef.h>

struct ragged {
	const int *lengths; /* [batch] */
	size_t steps, rows, batch;
};

/* Every sample from its end to its beginning, its padding where it is: step s of `to` is step length - 1 - s of `from`.
 * A step of either begins so many numbers behind the one before. Twice gives what was there. add: to += . */
void ragged_turn(const struct ragged *ragged, const double *from, size_t from_step, double *to, size_t to_step,
                 bool add);
/* y [rows][batch]: of each sample its last step. */
void ragged_last(const struct ragged *ragged, const double *from, double *y);
/* The reverse for gradients: zeros but for the last steps. */
void ragged_place(const struct ragged *ragged, const double *dy, double *to);

#endif
