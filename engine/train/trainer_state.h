/* The trainer's fields, shared by trainer.c, its loop (epoch.c) and its checkpoints (checkpoint.c); private to
 * engine/train. */
#ifndef QLSTM_TRAIN_TRAINER_STATE_H
#define QLSTM_TRAIN_TRAINER_STATE_H

#include "engine/nn/loss.h"
#include "engine/train/batches.h"
#include "engine/train/pass.h"
#include "engine/train/trainer.h"

/* Places among an epoch's metrics; behind them the further ones. */
enum { TRAIN_LOSS, TEST_LOSS, GRADIENT_NORM, METRICS_OF_ALL };

/* What stands at a further place. */
struct trainer_column {
	enum trainer_part part;
	const struct metric *metric; /* NULL: a score, or neither */
	int index;                   /* of the metric among those of the targets, or of the score; -1: neither */
};

enum { ARITHMETIC_BEFORE_SIZE = 512 };

struct trainer {
	/* The state that a checkpoint carries, with the model's parameters and the optimiser's moments. */
	int epochs_done;
	struct epoch_metrics *history; /* [config.epochs] */
	double *kept[TRAINER_KEPT];    /* [n_params] each: after the last whole epoch, and after the best one */
	int kept_epochs[TRAINER_KEPT]; /* 0: none */
	double *snapshots[TRAINER_MAX_SNAPSHOTS]; /* [n_params] each, of the epochs that the configuration names */
	double best_loss;                         /* the least that chooses; infinite before the first epoch */
	int best_epoch;                           /* that has it; 0: none */
	struct schedule schedule;                 /* having noted all epochs done */

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
	struct batches batches;
	bool midway; /* an epoch was begun and not ended: the optimiser is ahead of what is kept */
	/* Gradients of the epoch that runs, and of the last whole one: trainer_gradients. */
	struct {
		int epoch;
		double *squares, *largest; /* [params->count] sums over batches; [params->size] */
		double *norms;             /* [params->count] */
		double kinds[2];           /* roots of their sums: classical, quantum */
	} gradients;
	/* For scores: what the model said of the training part, [n_train][outputs], of a batch or another part. */
	double *seen, *said;
	const char *names[TRAINER_METRICS_MAX];
	struct trainer_column columns[TRAINER_METRICS_MAX];
	int choosing, rate; /* places of the loss that chooses, of the learning rate (-1: there is no schedule) */
	int n_metrics;
	bool any_arithmetic;
	char arithmetic_before[ARITHMETIC_BEFORE_SIZE];
};

/* The value of that row that chooses the best epoch. */
double trainer_choosing_loss(const struct trainer *trainer, const struct epoch_metrics *row);
/* What an epoch's row says is noted: best loss, schedule. */
void trainer_note(struct trainer *trainer, const struct epoch_metrics *row);
/* Room for parameters; false: out of memory. */
bool trainer_open_kept(struct trainer *trainer);
void trainer_close_kept(struct trainer *trainer);
/* At the end of an epoch, or of what a checkpoint says, whose parameters are in the model. */
void trainer_keep(struct trainer *trainer);

#endif
