/* A pass of a model over samples: predictions, losses, metrics and gradients of a batch.
 *
 * A batch is cut into slices of whole samples. The members of a team take slices, each with a replica of the model;
 * the slices' losses and gradients are added in the order of the slices. How a batch is cut depends on the model and
 * the batch alone, so the number of threads changes no bit. Where the circuits share out a single
 * sample's work (plan_set_team), a batch is one slice. */
#ifndef QLSTM_TRAIN_PASS_H
#define QLSTM_TRAIN_PASS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/data/samples.h"
#include "engine/nn/loss.h"
#include "engine/nn/metric.h"
#include "engine/nn/model.h"
#include "engine/team.h"

struct pass;

struct pass_config {
	struct model *model; /* its parameters' values and gradients are the pass's */
	struct samples samples;
	const struct loss *loss;
	int batch;         /* the largest that pass_train is given */
	struct team *team; /* NULL: the caller alone */
	uint64_t seed;     /* of what layers draw while they train */
	struct loss_options options;
};

/* What a pass adds up. A loss or a metric is a mean: its sum by the number of what was added. */
struct pass_sums {
	double loss;
	size_t terms;                /* of the loss: loss_terms */
	double metrics[METRICS_MAX]; /* of those that take the samples' targets, in the order of metric_for */
	size_t rows;                 /* that count */
};

/* Everything in `config` is borrowed and outlives the pass. Nothing is allocated after it. ERR_INVALID where the model,
 * the samples and the loss do not fit one another. */
int pass_new(struct pass **out, const struct pass_config *config, struct qlstm_error *error);
void pass_free(struct pass *pass);

/* Samples of a batch that a member has at a time, those of evaluations included; before pass_new. */
size_t pass_held(struct model *model, int steps, int batch);
/* Bytes that a pass and its model take, with `threads` members; before pass_new. */
size_t pass_bytes(struct model *model, int steps, int batch, int threads);

/* As model_watch; always called in the caller's thread, also while that waits for the others. */
void pass_watch(struct pass *pass, model_watch_fn watch, void *context);
/* Whether the last pass was abandoned: what it has computed is undefined. */
bool pass_abandoned(const struct pass *pass);

/* The mean loss of samples order[0 .. count-1], count at most the batch, and its gradient in the model's gradient
 * block, which is overwritten; behind it the sums for layers' state. As a part of epoch `epoch` (from 1) of training.
 */
double pass_train(struct pass *pass, int epoch, const size_t *order, size_t count);

/* Of samples that go on where others end (streams of samples_shape): the next pass_train begins afresh. A batch is one
 * sample of each stream then, in their order. Passes that train nothing begin afresh each. */
void pass_restart(struct pass *pass);

/* Where pass_train leaves what the model said of each sample, y [count][rows][outputs] in the order of the batch; NULL,
 * as at the start: nowhere. Borrowed. */
void pass_keep_outputs(struct pass *pass, double *y);

/* The sum of the loss's terms over samples first .. first + count - 1. */
double pass_loss(struct pass *pass, size_t first, size_t count);

/* What the last pass_train, pass_loss or pass_predict has added up. */
struct pass_sums pass_sums(const struct pass *pass);

/* y [count][rows][outputs] of these samples, as the model gives them: scaled numbers, or logits. */
void pass_predict(struct pass *pass, size_t first, size_t count, double *y);
/* Of a model that measures words: the outcomes of these samples, postselected or drawn, words [count][steps]. */
void pass_draw(struct pass *pass, size_t first, size_t count, double *words);

/* The same of samples that go on where others end, one of each stream at a time: y [streams][rows][outputs] is room for
 * those, `said` is called with what the model says of samples first .. first + count - 1, and may change it. */
typedef void (*pass_said_fn)(void *context, size_t first, size_t count, double *y);
void pass_predict_streams(struct pass *pass, size_t first, size_t count, double *y, pass_said_fn said, void *context);

#endif
