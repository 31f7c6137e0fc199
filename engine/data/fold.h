/* Folds: a model is trained and tested several times, each time with another part of the samples as the test part, so
 * that a score has a mean and a deviation.
 *
 * FOLD_BLOCKS (k-fold): the samples are cut into as many blocks as there are folds, whose sizes differ by one at most;
 * fold i tests with block i and trains with all others. Samples that overlap, as windows of a series do, would tell of
 * the test part: `gap` of them on either side of it are left out. FOLD_ROLLING (rolling origin): one block more than
 * there are folds; fold i trains with the first i blocks and tests with the next one, so that no test sample stands
 * before a training sample. Example: 10 samples, 4 folds, rolling: 2 and 2, 4 and 2, 6 and 2, 8 and 2. */
#ifndef QLSTM_DATA_FOLD_H
#define QLSTM_DATA_FOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/error.h"

enum fold_method { FOLD_BLOCKS, FOLD_ROLLING };

struct fold {
	int index; /* from 1; 0: samples are not split by folds */
	int count;
	enum fold_method method;
	size_t gap; /* samples */
};

struct parts; /* split.h */

/* Of the training samples the last `validation` part of them, if any, chooses the best epoch. `what` is a sample in
 * messages. ERR_INVALID at "/folds" where a part would be empty. */
int fold_parts(const struct fold *fold, size_t count, double validation, const char *what, struct parts *out,
               struct qlstm_error *error);

/* Which of the samples base[0 .. count - 1] (NULL: 0, 1, ...) the parts are, in their order. `out` has room for
 * `count`. */
void fold_order(const struct fold *fold, size_t count, const size_t *base, size_t *out);
/* Whether that is 0, 1, ... */
bool fold_in_order(const struct fold *fold);

#endif
