/* How the learning rate changes from epoch to epoch: a factor on it, 1 at the start.
 *
 *   constant  1
 *   step      factor^k after k x step_epochs epochs (torch.optim.lr_scheduler.StepLR)
 *   cosine    least + (1 - least) (1 + cos(pi (e - 1) / epochs)) / 2 in epoch e (CosineAnnealingLR)
 *   plateau   multiplied by `factor`, down to `least`, after more than `patience` epochs without a loss below
 *             0.9999 of the best (ReduceLROnPlateau); the loss that chooses the best epoch
 *
 * In each of the first warmup_epochs it is multiplied by e / warmup_epochs, too. Example: step with step_epochs 10 and
 * factor 0.5 is 1 in epochs 1 to 10, 0.5 in 11 to 20. */
#ifndef QLSTM_TRAIN_SCHEDULE_H
#define QLSTM_TRAIN_SCHEDULE_H

enum schedule_type { SCHEDULE_CONSTANT, SCHEDULE_STEP, SCHEDULE_COSINE, SCHEDULE_PLATEAU };

struct schedule_config {
	enum schedule_type type;
	int warmup_epochs, step_epochs, patience;
	double factor, least;
};

/* What plateau remembers: a function of the losses so far. {0} with `config` is the start. */
struct schedule {
	struct schedule_config config;
	int noted, bad_epochs; /* epochs noted; those since the best */
	double best, reduced;  /* the least loss, the factor */
};

void schedule_start(struct schedule *schedule, const struct schedule_config *config);
/* The loss of one epoch more. */
void schedule_note(struct schedule *schedule, double loss);
/* The factor of epoch `epoch`, from 1, of `epochs`. */
double schedule_factor(const struct schedule *schedule, int epoch, int epochs);

#endif
