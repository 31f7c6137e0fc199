/* How samples are split into a training, a validation and a test part, in this order.
 *
 * By fraction: the first samples_train_count(train, count) train, then come the same of `validation`, the rest tests.
 * By row or time: a sample belongs to the training part while the row that it predicts, or is, stands before
 * `train_until`. Both in the order of the samples, or of a permutation of them that `seed` gives. The validation part
 * may be empty. Example: 10 samples, train 0.5, validation 0.2: 0 to 4, 5 and 6, 7 to 9. */
#ifndef QLSTM_DATA_SPLIT_H
#define QLSTM_DATA_SPLIT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/data/fold.h"
#include "engine/data/table.h"

#define SPLIT_TIME_SIZE 40

struct split_until {
	bool said;                  /* else the fraction counts */
	size_t row;                 /* from 0; of the table once split_resolve was called */
	char time[SPLIT_TIME_SIZE]; /* "2020-01-31"; "": `row` is said */
};

struct split {
	double train, validation; /* 0 < train < 1, 0 <= validation < 1 */
	struct split_until train_until, validation_until;
	bool resolved; /* split_resolve was called */
	bool shuffle;
	uint64_t seed;
	struct fold fold; /* with an index: its parts in the place of the others, `validation` being a share of its
	                   * training samples */
};

struct parts {
	size_t train, validation, test;
};

/* Which row sample i stands for: first + i * stride. */
struct split_rows {
	size_t first, stride;
};

static inline size_t parts_count(const struct parts *parts)
{
	return parts->train + parts->validation + parts->test;
}

/* Rows of the file and times become rows of the table: the first one that is not before. ERR_INVALID at
 * "/split/train_until" where the rows have no times, or the time cannot be read. */
int split_resolve(struct split *split, const struct table *table, struct qlstm_error *error);

/* `what` is a sample in messages: "window". ERR_INVALID or ERR_OUT_OF_RANGE at "/split/..." where training or test part
 * would be empty, or a validation part that is asked for. */
int split_parts(const struct split *split, size_t count, struct split_rows rows, const char *what, struct parts *out,
                struct qlstm_error *error);

/* Which sample, in the order of the table, each one is, of `count` samples that there are; [parts_count], the caller's
 * (free). NULL in *out: the same, without shuffle and blocks. */
int split_order(const struct split *split, size_t count, size_t **out, struct qlstm_error *error);

/* Whether the rows' dates are read with the day first: some date says so, or none says otherwise. */
bool split_day_first(const struct table *table);
/* A date or time as seconds that can be compared, by that order of day and month where both can be read; false: it is
 * none. */
bool split_seconds(const char *text, bool day_first, double *out);

#endif
