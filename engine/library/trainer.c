/* Training of the public interface: samples that lie in the caller's arrays, and an epoch at a time. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/samples.h"
#include "engine/library/library.h"
#include "engine/nn/loss.h"
#include "engine/team.h"
#include "engine/train/trainer.h"

#define EPOCHS_MOST 1000000
#define STEPS_MOST  65536

struct arrays {
	const double *x, *y;
	size_t x_size, y_size; /* of a sample */
};

struct qlstm_trainer {
	struct model *model;
	struct trainer *trainer;
	struct team *team;
	struct arrays arrays;
};

static void gather(const void *self, const size_t *order, size_t first, size_t count, const struct samples_batch *out)
{
	const struct arrays *arrays = self;
	samples_transpose(arrays->x, arrays->x_size, order, first, count, out->x);
	samples_transpose(arrays->y, arrays->y_size, order, first, count, out->target);
}

static int check_classes(const struct qlstm_samples *samples, int classes, struct qlstm_error *error)
{
	size_t count = samples->n_train + samples->n_test;
	for (size_t k = 0; k < count; k++) {
		double y = samples->y[k];
		if (!(y >= 0.0 && y < classes && y == floor(y)))
			return error_set(error, ERR_OUT_OF_RANGE, "/y",
			                 "y of sample %zu is %g; classes are whole numbers from 0 to %d", k, y,
			                 classes - 1);
	}
	return 0;
}

static int check_samples(const struct qlstm_samples *samples, struct qlstm_error *error)
{
	if (samples->steps < 1 || samples->steps > STEPS_MOST)
		return error_set(error, ERR_OUT_OF_RANGE, "/steps", "steps is %d; allowed are 1 to %d", samples->steps,
		                 STEPS_MOST);
	if (samples->n_train < 1 || samples->n_test < 1)
		return error_set(error, ERR_INVALID, samples->n_train < 1 ? "/n_train" : "/n_test",
		                 "at least one sample is needed to train on and one to test on");
	return 0;
}

static int check_training(const struct qlstm_training *training, struct qlstm_error *error)
{
	const struct {
		const char *pointer;
		double value, least, most;
	} ranges[] = {
	    {"/epochs", training->epochs, 1, EPOCHS_MOST},
	    {"/batch_size", training->batch_size, 1, 1 << 20},
	    {"/threads", training->threads, 0, TEAM_MAX_THREADS},
	    {"/momentum", training->momentum, 0, 1},
	    {"/alpha", training->alpha, 0, 1},
	    {"/beta1", training->beta1, 0, 1},
	    {"/beta2", training->beta2, 0, 1},
	    {"/epsilon", training->epsilon, 0, 1},
	    {"/weight_decay", training->weight_decay, 0, HUGE_VAL},
	    {"/clip_norm", training->clip_norm, 0, HUGE_VAL},
	};
	for (size_t k = 0; k < sizeof ranges / sizeof ranges[0]; k++)
		if (!(ranges[k].value >= ranges[k].least && ranges[k].value <= ranges[k].most))
			return error_set(error, ERR_OUT_OF_RANGE, ranges[k].pointer, "%s is %g; allowed are %g to %g",
			                 ranges[k].pointer + 1, ranges[k].value, ranges[k].least, ranges[k].most);
	if (training->loss == NULL || training->optimizer == NULL)
		return error_set(error, ERR_MISSING, training->loss == NULL ? "/loss" : "/optimizer",
		                 "training needs a loss and an optimizer");
	if (!(training->learning_rate > 0.0 && isfinite(training->learning_rate)))
		return error_set(error, training->learning_rate == 0.0 ? ERR_MISSING : ERR_OUT_OF_RANGE,
		                 "/learning_rate", "training needs a learning_rate above 0");
	return 0;
}

static double or_default(double value, double usual)
{
	return value != 0.0 ? value : usual;
}

static int take_training(const struct qlstm_training *training, size_t n_train, struct trainer_config *out,
                         struct qlstm_error *error)
{
	size_t batch = (size_t)training->batch_size < n_train ? (size_t)training->batch_size : n_train;
	*out = (struct trainer_config){.epochs = training->epochs,
	                               .batch_size = (int)batch,
	                               .shuffle = training->shuffle,
	                               .clip_norm = training->clip_norm,
	                               .seed = training->seed,
	                               .options = {.huber_delta = 1, .quantile = 0.5},
	                               .optimizer = {.learning_rate = training->learning_rate,
	                                             .momentum = training->momentum,
	                                             .alpha = or_default(training->alpha, 0.99),
	                                             .beta1 = or_default(training->beta1, 0.9),
	                                             .beta2 = or_default(training->beta2, 0.999),
	                                             .epsilon = or_default(training->epsilon, 1e-8),
	                                             .weight_decay = training->weight_decay,
	                                             .history = 10,
	                                             .iterations = 20}};
	if (strlen(training->loss) >= sizeof out->loss)
		return error_set(error, ERR_NOT_FOUND, "/loss", "unknown loss '%s'", training->loss);
	if (strlen(training->optimizer) >= sizeof out->optimizer.type)
		return error_set(error, ERR_NOT_FOUND, "/optimizer", "unknown optimizer '%s'", training->optimizer);
	snprintf(out->loss, sizeof out->loss, "%s", training->loss);
	snprintf(out->optimizer.type, sizeof out->optimizer.type, "%s", training->optimizer);
	return 0;
}

/* The trainer draws new weights; the caller's come back behind it. */
static int open_trainer(struct qlstm_trainer *trainer, struct samples samples, const struct trainer_config *config,
                        struct qlstm_error *error)
{
	struct params *params = model_params(trainer->model);
	size_t bytes = params_elements(params) * sizeof(double);
	double *kept = malloc(bytes > 0 ? bytes : 1);
	if (kept == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	memcpy(kept, params->values, bytes);
	int rc = trainer_new(&trainer->trainer, trainer->model, samples, config, error);
	memcpy(params->values, kept, bytes);
	free(kept);
	return rc;
}

static int open_all(struct qlstm_trainer *trainer, const struct qlstm_samples *samples,
                    const struct qlstm_training *training, struct qlstm_error *error)
{
	const struct model_config *model = model_config(trainer->model);
	struct trainer_config config;
	int rc = take_training(training, samples->n_train, &config, error);
	if (rc != 0)
		return rc;
	const struct loss *loss = loss_find(training->loss);
	bool classes = loss != NULL && loss->takes == TARGET_CLASSES;
	if (classes)
		rc = check_classes(samples, model->n_outputs, error);
	if (rc == 0 && training->threads > 1)
		rc = team_new(&trainer->team, training->threads, error);
	if (rc != 0)
		return rc;
	config.team = trainer->team;
	trainer->arrays = (struct arrays){samples->x, samples->y, (size_t)samples->steps * (size_t)model->n_inputs,
	                                  classes ? 1 : (size_t)model->n_outputs};
	const struct samples view = {.shape = {.steps = samples->steps,
	                                       .n_inputs = model->n_inputs,
	                                       .target = classes ? TARGET_CLASSES : TARGET_REALS,
	                                       .width = model->n_outputs},
	                             .n_train = samples->n_train,
	                             .n_test = samples->n_test,
	                             .self = &trainer->arrays,
	                             .gather = gather};
	return open_trainer(trainer, view, &config, error);
}

int qlstm_trainer_new(struct qlstm_trainer **out, struct qlstm_model *model, const struct qlstm_samples *samples,
                      const struct qlstm_training *training, struct qlstm_error *error)
{
	*out = NULL;
	int rc = check_samples(samples, error);
	if (rc == 0)
		rc = check_training(training, error);
	if (rc != 0)
		return rc;
	struct qlstm_trainer *trainer = calloc(1, sizeof *trainer);
	if (trainer == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	trainer->model = model->model;
	rc = open_all(trainer, samples, training, error);
	if (rc != 0) {
		qlstm_trainer_free(trainer);
		return rc;
	}
	*out = trainer;
	return 0;
}

void qlstm_trainer_free(struct qlstm_trainer *trainer)
{
	if (trainer == NULL)
		return;
	trainer_free(trainer->trainer);
	model_set_team(trainer->model, NULL);
	team_free(trainer->team);
	free(trainer);
}

int qlstm_trainer_epoch(struct qlstm_trainer *trainer, struct qlstm_epoch *epoch, struct qlstm_error *error)
{
	struct epoch_metrics row;
	int rc = trainer_epoch(trainer->trainer, NULL, NULL, &row, error);
	if (rc == 0)
		*epoch = (struct qlstm_epoch){.epoch = row.epoch,
		                              .train_loss = epoch_metric(&row, "train_loss"),
		                              .test_loss = epoch_metric(&row, "test_loss"),
		                              .train_accuracy = epoch_metric(&row, "train_accuracy"),
		                              .test_accuracy = epoch_metric(&row, "test_accuracy"),
		                              .gradient_norm = epoch_metric(&row, "gradient_norm"),
		                              .seconds = row.seconds};
	return rc;
}
