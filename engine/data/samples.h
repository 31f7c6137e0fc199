/* Samples: what a model is trained on and tested with, wherever it comes from.
 *
 * A sample is a sequence of inputs and what is to be said about it. All samples of a set have the same shape; the first
 * n_train are the training part, behind them come the n_validation of the validation part, which may be empty, and
 * the n_test of the test part. Windows cut from a series (windows.h) are one
 * implementation, the rows of a table (records.h) another; `struct samples` is what the trainer knows of either.
 *
 * To add one: a struct that holds the data, and a function that gives a `struct samples` of it, with the shape, the
 * counts and its `gather`. */
#ifndef QLSTM_DATA_SAMPLES_H
#define QLSTM_DATA_SAMPLES_H

#include "engine/rows.h"

/* Columns of a table that samples may be cut from, as inputs and as targets. */
#define SAMPLES_MAX_COLUMNS 1024

struct samples_shape {
	int steps, n_inputs; /* of the inputs: time steps, and numbers a step; tokens are whole numbers, one a step */
	enum target_kind target; /* rows.h */
	int width;               /* reals: numbers in a row of the target; classes, words: how many there are */
	bool per_step;           /* a row for every time step; else one for the sample */
	bool masked;             /* some rows may not count */
	int streams; /* sample i goes on where sample i - streams of its part ends, and the parts are multiples of it;
	                0: no sample goes on where another one ends */
};

/* Where a batch goes, the batch innermost as models have it. The caller's, of the sizes that the shape gives. */
struct samples_batch {
	double *x;      /* [steps][n_inputs][count] */
	double *target; /* reals [rows][width][count]; classes and words [rows][count] */
	double *mask;   /* [rows][count], 1 or 0; not touched unless the shape is masked */
	int steps;      /* that x has, and rows of a target for every step: what the longest of the samples takes */
	int *lengths;   /* [count]: steps of each, the rest of x is padding; of samples with a length alone */
};

/* A view, copied freely: what it looks at is borrowed and outlives it. */
struct samples {
	struct samples_shape shape;
	size_t n_train, n_validation, n_test;
	const void *self;
	/* Copies samples order[0 .. count - 1], or first .. first + count - 1 where order is NULL, in that order.
	 * Called by several threads at a time. Allocates nothing, cannot fail. */
	void (*gather)(const void *self, const size_t *order, size_t first, size_t count,
	               const struct samples_batch *out);
	/* Steps of a sample, 1 to shape.steps; NULL: all have shape.steps. */
	size_t (*length)(const void *self, size_t index);
	/* How many rows of these samples count, as gather's mask says; NULL: all. */
	size_t (*count_rows)(const void *self, const size_t *order, size_t first, size_t count);
};

/* In all parts. */
static inline size_t samples_count(const struct samples *samples)
{
	return samples->n_train + samples->n_validation + samples->n_test;
}

/* The name of the part that sample `index` belongs to. */
static inline const char *samples_part(const struct samples *samples, size_t index)
{
	return index < samples->n_train                           ? "train"
	       : index < samples->n_train + samples->n_validation ? "validation"
	                                                          : "test";
}

/* Rows that a sample has. */
static inline size_t samples_frames(const struct samples_shape *shape)
{
	return shape->per_step ? (size_t)shape->steps : 1;
}

/* Numbers that the target of a sample takes. */
static inline size_t samples_target_size(const struct samples_shape *shape)
{
	return samples_frames(shape) * (shape->target != TARGET_REALS ? 1 : (size_t)shape->width);
}

/* The sample that stands at place b of a batch, by the convention of gather. */
static inline size_t samples_at(const size_t *order, size_t first, size_t b)
{
	return order != NULL ? order[b] : first + b;
}

/* The whole part of fraction * count, as decimals: 0.29 of 100 are 29, although the nearest doubles give less than
 * that. */
size_t samples_train_count(double fraction, size_t count);

/* Steps of the longest of these samples. */
int samples_steps(const struct samples *samples, const size_t *order, size_t first, size_t count);

size_t samples_count_rows(const struct samples *samples, const size_t *order, size_t first, size_t count);

/* For implementations: `from` [sample][size] of the samples that gather is asked for, to `to` [size][count]. */
void samples_transpose(const double *from, size_t size, const size_t *order, size_t first, size_t count, double *to);

#endif
