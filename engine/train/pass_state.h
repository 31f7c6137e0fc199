/* A pass as its files see it. Internal to engine/train.
 *
 * pass.c   opens a pass and runs its batches.
 * replica.c   what a member of the team does with one slice.
 * slices.c   how a batch is cut. */
#ifndef QLSTM_TRAIN_PASS_STATE_H
#define QLSTM_TRAIN_PASS_STATE_H

#include <stdatomic.h>

#include "engine/train/pass.h"

#define SLICES_MAX 16

/* What a member of the team works with. */
struct replica {
	struct qlstm_error error; /* of opening it */
	struct pass *pass;
	struct model *model; /* replica 0: the pass's own; others: replicas of it */
	struct rows rows;    /* of the slice at hand; reads y, target and mask */
	double *x;           /* [steps][n_inputs][slice] */
	double *y, *dy;      /* [frames][outputs][slice] */
	double *target;      /* as samples_batch, likewise mask; NULL without one */
	double *mask;
	double *outcomes;   /* words [frames][slice]; NULL without */
	int steps;          /* of the slice at hand */
	int *lengths;       /* [slice], of samples that have their own; NULL */
	int *said_lengths;  /* likewise, of what is said by a model with a decoder */
	struct carry carry; /* of samples that go on: the slice's streams */
	struct word_guide guide;
};

struct pass {
	struct pass_config config;
	size_t slice, evaluation_slice; /* samples */
	size_t n_slices;                /* of a full batch */
	struct replica *replicas;
	int n_replicas;
	double *gradients[SLICES_MAX]; /* of slice k; the first is the model's own block */
	struct pass_sums *slices;      /* of slice k */
	struct pass_sums sums;         /* of the last pass */
	double *outputs;               /* of pass_train; NULL: not wanted */
	size_t carried;                /* rows of state that go on from batch to batch */
	double *states[2];             /* [carried][streams] of passes that do not train, and that do */
	model_watch_fn watch;
	void *watch_context;
	atomic_bool abandoned;
};

/* What team_run is handed. */
struct pass_task {
	struct pass *pass;
	const size_t *order; /* NULL: samples first, first + 1, ... */
	size_t first, count, slice;
	bool gradient;
	uint32_t epoch;      /* with gradient */
	double scale;        /* likewise: 1 / terms of the whole batch's loss */
	double *predictions; /* [count][frames][outputs]; NULL: not wanted */
	pass_said_fn said;   /* of streams: who has them each time; predictions are of one batch then */
	void *context;
	double *words; /* [count][frames] outcomes, likewise */
};

/* How many samples to cut from a batch of `batch`, one that is trained on or not. */
size_t slices_size(struct model *model, int steps, int batch, bool training);
/* Samples of the batches that are evaluated, where training has batches of `batch`. */
int slices_evaluation_batch(int batch);

/* replica_close takes what replica_open failed on as well. The first replica's model is the pass's. */
int replica_open(struct replica *replica, struct pass *pass, struct qlstm_error *error);
void replica_close(struct replica *replica);
/* Slice `part` of the task: its loss and, where wanted, gradient, predictions and outcomes. */
void replica_run(struct replica *replica, const struct pass_task *task, size_t part);

/* Asks the pass's watch, in the caller's thread; `context` is the pass. */
void pass_tick(void *context);

/* Numbers that are said of a sample. */
static inline size_t pass_outputs(const struct pass *pass)
{
	return samples_frames(&pass->config.samples.shape) * (size_t)pass->config.samples.shape.width;
}

static inline size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

#endif
