/* The training loop, one epoch at a time, so that whoever drives it can report, checkpoint and stop between epochs.
 *
 * The state after epoch e is a function of (config, data, seed) alone: batch order comes from the counter-based
 * generator keyed by the pass over the training part, which is the epoch where epoch_batches is 0. trainer_save /
 * trainer_load carry that state bit for bit. */
#ifndef QLSTM_TRAIN_TRAINER_H
#define QLSTM_TRAIN_TRAINER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/data/samples.h"
#include "engine/nn/metric.h"
#include "engine/nn/model.h"
#include "engine/team.h"
#include "engine/train/groups.h"
#include "engine/train/optimizer.h"
#include "engine/train/schedule.h"

enum trainer_part { TRAINER_TRAIN, TRAINER_VALIDATION, TRAINER_TEST, TRAINER_PARTS };

#define TRAINER_SCORES_MAX 8

/* Numbers that take all predictions of a part to be found, such as a root or a quotient, in every epoch: the caller's.
 */
struct trainer_scores {
	int count; /* at most TRAINER_SCORES_MAX */
	/* "train_rmse", "validation_rmse", "test_rmse"; NULL: not found for that part. */
	const char *names[TRAINER_SCORES_MAX][TRAINER_PARTS];
	bool asks; /* compute asks the model itself, of the parts behind the training part: y is NULL */
	/* Of samples first .. first + n - 1, for which the model says y [n][rows][outputs]; y may be changed. */
	void (*compute)(void *context, size_t first, size_t n, double *y, double *out);
	void *context;
};

/* Epochs whose parameters are kept, in rising order. */
#define TRAINER_MAX_SNAPSHOTS 16
struct trainer_snapshots {
	int count;
	int epochs[TRAINER_MAX_SNAPSHOTS];
};

struct trainer_config {
	int epochs;
	int batch_size;
	int epoch_batches; /* batches of an epoch, which goes on where the one before has ended; 0: those of a pass over
	                    * the training part */
	bool shuffle;
	bool bucket; /* with shuffle: batches of samples of about the same length (buckets.h) */
	char loss[32];
	double stop_loss; /* trainer_has_stopped: a validation loss, else test loss, below it; 0: never */
	int patience;     /* trainer_has_stopped: so many epochs after the best one; 0: never */
	double clip_norm; /* global L2 norm; 0: no clipping */
	struct trainer_snapshots snapshots;
	uint64_t seed;
	struct optimizer_config optimizer;
	struct schedule_config schedule;
	struct groups_config groups;         /* learning_rate is the optimizer's */
	struct loss_options options;         /* class_weights borrowed */
	const struct trainer_scores *scores; /* borrowed; NULL: none */
	struct team *team; /* who shares the work, borrowed; NULL: the caller alone. Results do not depend on it */
};

#define TRAINER_METRICS_MAX (5 + TRAINER_PARTS * (METRICS_MAX + TRAINER_SCORES_MAX))

/* One row of the history: what the epoch is measured by, a name and a value each. Every trainer has, in this order,
 *   train_loss      mean of the batch losses during the epoch, in scaled units
 *   test_loss       of the test part, after the epoch
 *   gradient_norm   mean over batches of the global L2 norm before clipping
 * and behind them
 *   learning_rate   the optimizer's, where there is a schedule
 *   validation_loss of the validation part, after the epoch, where there is such a part
 *   train_NAME, validation_NAME where there is such a part, and test_NAME of every metric that takes the samples'
 * targets (nn/metric.h) and of every score: of the training part as its samples were met during the epoch, of the
 * others after it. Scores of the training part are NaN where an epoch is no whole number of passes. */
struct epoch_metrics {
	int epoch; /* from 1 */
	int count;
	const char *const *names; /* [count], the trainer's */
	double values[TRAINER_METRICS_MAX];
	double seconds; /* wall time of this epoch; not part of the reproducible state */
};

/* The value of that name; NaN when there is none. */
double epoch_metric(const struct epoch_metrics *metrics, const char *name);

/* Called before each batch and after every time step inside it, also while the test part is evaluated (batch =
 * n_batches then), so it must be cheap. A non-zero return stops the epoch (ERR_CANCELLED) and undoes nothing: resume
 * from the last checkpoint. May be NULL. */
typedef int (*trainer_batch_fn)(void *context, int epoch, size_t batch, size_t n_batches);

struct trainer;

/* The model, and what the samples look at, are borrowed and outlive the trainer. The model's parameters are initialised
 * from the seed. */
int trainer_new(struct trainer **out, struct model *model, struct samples samples, const struct trainer_config *config,
                struct qlstm_error *error);
void trainer_free(struct trainer *trainer);

/* Runs the next epoch. ERR_NOT_FINITE when the training loss or a gradient is not finite. Those of the other parts may
 * not be: a wild value in the test part spoils nothing that is learned. */
int trainer_epoch(struct trainer *trainer, trainer_batch_fn on_batch, void *context, struct epoch_metrics *metrics,
                  struct qlstm_error *error);
/* Whether there is no epoch left to run: all are done, the last loss that chooses the best epoch is below
 * stop_loss, or `patience` epochs brought no smaller one. */
bool trainer_has_stopped(const struct trainer *trainer);
int trainer_epochs_done(const struct trainer *trainer);
/* History of epochs 1 .. trainer_epochs_done; borrowed. */
const struct epoch_metrics *trainer_history(const struct trainer *trainer);

/* The loss that chooses the best epoch: "validation_loss" where there is such a part, else "test_loss". */
const char *trainer_best_by(const struct trainer *trainer);

/* The parameters at the end of the last whole epoch, and of the one with the smallest such loss (the first of those).
 */
enum trainer_epoch_kept { TRAINER_LAST, TRAINER_BEST, TRAINER_KEPT };

/* Puts those parameters into the model, for predictions and weights; the next epoch goes on with what is there. False,
 * and nothing is changed, where there are none: before the first epoch; of the best epoch also after a checkpoint of
 * before they were kept. */
bool trainer_take(struct trainer *trainer, enum trainer_epoch_kept which);
/* Which epoch that is; 0: none. */
int trainer_kept_epoch(const struct trainer *trainer, enum trainer_epoch_kept which);

/* How many of the epochs of config.snapshots are done, and the parameters after the k-th of them, from 0, into the
 * model; false where it is not done. */
int trainer_snapshots(const struct trainer *trainer);
bool trainer_take_snapshot(struct trainer *trainer, int k);

/* Gradients of the last whole epoch, before clipping. */
struct trainer_gradients {
	int epoch;             /* 0: none was run here */
	const double *norms;   /* [params->count]: of each tensor the root mean square, over batches, of its L2 norm */
	const double *largest; /* [params->size]: of each number the largest magnitude; 0: it was 0 in every batch */
	double quantum, classical; /* root mean squares over batches of the norms of all tensors of a kind */
};
/* Borrowed until the next epoch. After a checkpoint they begin anew. */
struct trainer_gradients trainer_gradients(const struct trainer *trainer);

/* What the model says of the given samples, in scaled units or logits: y [count][rows][outputs]. */
int trainer_predict(struct trainer *trainer, size_t first, size_t count, double *y, struct qlstm_error *error);
/* Of a model that measures words: the outcomes of the given samples when they are not trained on, drawn or, where that
 * is asked for, postselected: words [count][steps]. Those that error_rate counts. */
int trainer_draw(struct trainer *trainer, size_t first, size_t count, double *words, struct qlstm_error *error);

/* The same of samples that go on where others end, batch by batch: y is room for the outputs of one of them (pass.h).
 */
int trainer_predict_streams(struct trainer *trainer, size_t first, size_t count, double *y,
                            void (*said)(void *context, size_t first, size_t count, double *y), void *context,
                            struct qlstm_error *error);

/* The whole state as safetensors: parameters by name, those of the best epoch, optimiser moments, history.
 * `fingerprint` names the experiment that it belongs to (a hash of the resolved spec); loading under another one is
 * ERR_CONFLICT. So is loading what another arithmetic computed (QLSTM_ARITHMETIC, or an instruction set that gives
 * other bytes: plan_isa_same_bytes), unless trainer_allow_arithmetic was called. A checksum covers every byte; files of
 * before there was one are taken without. *bytes (malloc) is the caller's. */
int trainer_save(const struct trainer *trainer, const char *fingerprint, unsigned char **bytes, size_t *length,
                 struct qlstm_error *error);
int trainer_load(struct trainer *trainer, const char *fingerprint, const unsigned char *bytes, size_t length,
                 struct qlstm_error *error);

/* What another training of the same model can go on from, as safetensors: the parameters after the last whole epoch by
 * their names, and what the optimiser remembers, unless an epoch was abandoned since: then nothing of it. Its type is
 * in the metadata under TRAINER_STATE_OPTIMIZER. *bytes
 * (malloc) is the caller's. */
#define TRAINER_STATE_OPTIMIZER "optimizer"
int trainer_save_state(const struct trainer *trainer, unsigned char **bytes, size_t *length, struct qlstm_error *error);
/* Takes both, before the first epoch. ERR_MISSING: nothing of an optimiser is there; ERR_CONFLICT: it was another type,
 * or remembers another number of things (lbfgs with another history); else as params_from_safetensors. The trainer is
 * unchanged then. */
int trainer_load_state(struct trainer *trainer, const unsigned char *bytes, size_t length, struct qlstm_error *error);

/* From here on trainer_load goes on with another arithmetic than that of the epochs done. */
void trainer_allow_arithmetic(struct trainer *trainer);
/* Which arithmetic the epochs before had where it was another one, as "up to epoch 7: 0 on x86-64-v4"; several are
 * separated by "; ". "" when there is none. Checkpoints carry it on. Borrowed. */
const char *trainer_arithmetic_before(const struct trainer *trainer);

#endif
