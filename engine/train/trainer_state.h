/* The trainer's fields, shared by the loop (trainer.c) and its checkpoints (checkpoint.c); private to engine/train. */
#ifndef QLSTM_TRAIN_TRAINER_STATE_H
#define QLSTM_TRAIN_TRAINER_STATE_H

#include "engine/nn/loss.h"
#include "engine/train/pass.h"
#include "engine/train/trainer.h"

/* Places among an epoch's metrics; behind them a train and a test value of each further one. */
enum { TRAIN_LOSS, TEST_LOSS, GRADIENT_NORM, METRICS_OF_ALL };

enum { ARITHMETIC_BEFORE_SIZE = 512 };

struct trainer {
	/* The state that a checkpoint carries, with the model's parameters and the optimiser's moments. */
	int epochs_done;
	struct epoch_metrics *history; /* [config.epochs] */
	double *kept[TRAINER_KEPT];    /* [n_params] each: after the last whole epoch, and after the best one */
	int kept_epochs[TRAINER_KEPT]; /* 0: none */
	double best_loss;              /* of the history; infinite before the first epoch */

	struct model *model; /* borrowed */
	struct samples samples;
	struct trainer_config config;
	const struct loss *loss;
	struct optimizer *optimizer;
	struct pass *pass;
	struct {
		trainer_batch_fn fn; /* the caller's, of the epoch that runs */
		void *context;
		int epoch;
		size_t batch, n_batches;
	} watch;
	size_t *order; /* [n_train] */
	const char *names[TRAINER_METRICS_MAX];
	int n_metrics;
	bool any_arithmetic;
	char arithmetic_before[ARITHMETIC_BEFORE_SIZE];
};

/* At the end of an epoch, or of what a checkpoint says, whose parameters are in the model. */
void trainer_keep(struct trainer *trainer);

#endif
