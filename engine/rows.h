/* Rows: what a model says about a batch beside what is true, as losses and metrics see it.
 *
 * A row is one vector of outputs of one sample. There is one a sample (a forecast, a class for a whole sequence), or
 * one for each time step (a tag for every word). A target is either as many real numbers as a row has outputs, or the
 * class that the row belongs to: a whole number from 0, one less than the outputs at most. Rows that a mask leaves out,
 * such as padding behind a short sequence, count nowhere: not in a sum, not in a mean, and their gradient is 0.
 *
 * Words are classes that a model measures (engine/nn/word_guide.h): its outputs are their probabilities, and each row
 * has an outcome. Outside training a row of words whose mask is ROW_DRAWN counts and draws its outcome; ROW_GIVEN
 * counts and is postselected on its target, ROW_IGNORED does not count and is postselected too. Without a mask all are
 * drawn. */
#ifndef QLSTM_ROWS_H
#define QLSTM_ROWS_H

#include <stdbool.h>
#include <stddef.h>

enum target_kind { TARGET_REALS, TARGET_CLASSES, TARGET_WORDS };

/* Values of a mask over words. */
#define ROW_IGNORED 0.0
#define ROW_DRAWN   1.0
#define ROW_GIVEN   2.0

/* For messages. */
static inline const char *target_kind_name(enum target_kind kind)
{
	return kind == TARGET_REALS ? "real numbers" : kind == TARGET_CLASSES ? "classes" : "words";
}

/* What losses and targets take beside the rows. */
struct loss_options {
	double huber_delta;          /* huber: from where on it grows in proportion, above 0 */
	double quantile;             /* quantile: which one, between 0 and 1 */
	const double *class_weights; /* [classes]: what each row of a class counts; NULL: 1. Borrowed */
};

struct rows {
	size_t frames;            /* rows of a sample: 1, or the time steps */
	size_t width;             /* outputs in a row; of classes their number */
	size_t batch;             /* samples, innermost */
	const double *prediction; /* [frames][width][batch] */
	const double *target;     /* reals [frames][width][batch]; classes and words [frames][batch] */
	const double *mask;       /* [frames][batch]: 0 leaves a row out, anything else does not; NULL: all count */
	const double *outcomes;   /* words [frames][batch]: what was measured */
	bool training;            /* words: every row was postselected */
	bool measured;            /* words: none was but those of ROW_GIVEN, also in training */
	const struct loss_options *options; /* NULL where the loss needs none */
};

/* Whether row (frame, sample) counts; `row` is frame * batch + sample. */
static inline bool rows_counts(const struct rows *rows, size_t row)
{
	return rows->mask == NULL || rows->mask[row] != 0;
}

#endif
