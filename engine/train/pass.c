/* Passes over windows; see pass.h. */
#include "engine/train/pass.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Windows evaluated in one go when nothing is trained and the batch is smaller. */
#define EVALUATION_BATCH 64
/* A slice is worth the hand-over when it takes this long, by the model's estimate. */
#define SLICE_SECONDS 100e-6
#define SLICES_MAX    16
/* What the slices' gradients may take, unless that is less than two of them. */
#define GRADIENTS_BYTES ((size_t)256 << 20)
/* Gradients that one part of the sum over slices adds up. */
#define SUM_RANGE 8192

/* What a member of the team works with. */
struct seat {
	struct qlstm_error error; /* of opening it */
	struct pass *pass;
	struct model *model; /* seat 0: the pass's own; others: replicas */
	double *x;           /* [steps][n_inputs][slice] */
	double *y;           /* [n_targets][slice], likewise target and dy */
	double *target, *dy;
};

struct pass {
	struct pass_config config;
	size_t slice, evaluation_slice; /* samples */
	size_t n_slices;                /* of a full batch */
	struct seat *seats;
	int n_seats;
	double *gradients[SLICES_MAX]; /* of slice k; the first is the model's own block */
	double *losses;                /* of slice k */
	model_watch_fn watch;
	void *watch_context;
	atomic_bool abandoned;
};

/* What team_run is handed. */
struct errand {
	struct pass *pass;
	const size_t *order; /* NULL: windows first, first + 1, ... */
	size_t first, count, slice;
	bool gradient;
	uint32_t epoch;      /* with gradient */
	double *predictions; /* [count][n_targets]; NULL: not wanted */
};

/* Slices that there may be of a model with so many parameters. */
static size_t slices_most(size_t parameters)
{
	size_t most = GRADIENTS_BYTES / (sizeof(double) * (parameters + 1));
	most = most > 2 ? most : 2;
	return most < SLICES_MAX ? most : SLICES_MAX;
}

/* How many samples to cut from a batch of `batch`, one that is trained on or not. */
static size_t slice_size(struct model *model, int steps, int batch, bool training)
{
	double seconds = 0.0;
	model_estimate(model, steps, batch, &seconds, NULL);
	double slices = seconds / SLICE_SECONDS;
	size_t lanes = (size_t)model_batch_multiple(model), most = slices_most(params_elements(model_params(model)));
	size_t n = (size_t)batch;
	size_t count = slices < (double)most ? (size_t)slices : most;
	if (count < 2 || model_set_team(model, NULL) || (training && model_wants_whole_batches(model)))
		return n;
	return ((n + count - 1) / count + lanes - 1) / lanes * lanes;
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* In the caller's thread. */
static void pass_tick(void *context)
{
	struct pass *pass = context;
	if (pass->watch != NULL && pass->watch(pass->watch_context) != 0)
		atomic_store(&pass->abandoned, true);
}

static int seat_tick(void *context)
{
	struct seat *seat = context;
	if (seat == seat->pass->seats)
		pass_tick(seat->pass);
	return atomic_load(&seat->pass->abandoned);
}

static int seat_open(struct seat *seat, struct pass *pass, struct qlstm_error *error)
{
	const struct windows *w = pass->config.windows;
	size_t slice = larger(pass->slice, pass->evaluation_slice);
	size_t frame = (size_t)w->steps * (size_t)w->n_inputs, outputs = (size_t)w->n_targets;
	int rc = 0;
	seat->pass = pass;
	if (seat == pass->seats)
		seat->model = pass->config.model;
	else
		rc = model_new_replica(&seat->model, pass->config.model, error);
	if (rc == 0)
		rc = model_reserve(seat->model, w->steps, (int)slice, error);
	if (rc != 0)
		return rc;
	seat->x = malloc((frame + 3 * outputs) * slice * sizeof(double));
	if (seat->x == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	seat->y = seat->x + frame * slice;
	seat->target = seat->y + outputs * slice;
	seat->dy = seat->target + outputs * slice;
	return 0;
}

/* Replicas compile their plans side by side: that takes up to a second for deep circuits on many wires. */
static void seat_part(void *context, size_t part, int member)
{
	(void)member;
	struct pass *pass = context;
	seat_open(&pass->seats[part], pass, &pass->seats[part].error);
}

static int pass_open_seats(struct pass *pass, size_t count, struct qlstm_error *error)
{
	pass->seats = calloc(count, sizeof *pass->seats);
	if (pass->seats == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	pass->n_seats = (int)count;
	team_run(pass->config.team, seat_part, pass, count);
	for (size_t k = 0; k < count; k++) {
		const struct qlstm_error *own = &pass->seats[k].error;
		if (own->code != 0)
			return error_set(error, own->code, own->pointer, "%s", own->message);
	}
	return 0;
}

/* The first seat's model is the caller's. */
static void pass_close_seats(struct pass *pass)
{
	for (int k = 0; k < pass->n_seats; k++) {
		if (k > 0)
			model_free(pass->seats[k].model);
		free(pass->seats[k].x);
	}
	free(pass->seats);
}

/* A seat for each member that can have something to do, and what the slices leave behind. */
static int pass_open(struct pass *pass, struct qlstm_error *error)
{
	const struct windows *w = pass->config.windows;
	const struct params *params = model_params(pass->config.model);
	bool shared = model_set_team(pass->config.model, pass->config.team);
	size_t windows = w->n_train + w->n_test;
	pass->n_slices = ((size_t)pass->config.batch + pass->slice - 1) / pass->slice;
	size_t most = larger(pass->n_slices, windows / pass->evaluation_slice + 1), members = 1;
	if (!shared && most > 1)
		members = (size_t)team_threads(pass->config.team);
	pass->losses = malloc(most * sizeof(double));
	if (pass->losses == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	pass->gradients[0] = params->gradients;
	for (size_t k = 1; k < pass->n_slices; k++) {
		pass->gradients[k] = malloc(params_elements(params) * sizeof(double));
		if (pass->gradients[k] == NULL)
			return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	}
	return pass_open_seats(pass, members, error);
}

int pass_new(struct pass **out, const struct pass_config *config, struct qlstm_error *error)
{
	*out = NULL;
	int rc = model_prepare(config->model, error);
	if (rc != 0)
		return rc;
	struct pass *pass = calloc(1, sizeof *pass);
	if (pass == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	pass->config = *config;
	int steps = config->windows->steps;
	pass->slice = slice_size(config->model, steps, config->batch, true);
	int most = config->batch < EVALUATION_BATCH ? EVALUATION_BATCH : config->batch;
	pass->evaluation_slice = slice_size(config->model, steps, most, false);
	rc = pass_open(pass, error);
	if (rc != 0) {
		pass_free(pass);
		return rc;
	}
	team_while_waiting(config->team, pass_tick, pass);
	*out = pass;
	return 0;
}

void pass_free(struct pass *pass)
{
	if (pass == NULL)
		return;
	team_while_waiting(pass->config.team, NULL, NULL);
	pass_close_seats(pass);
	for (size_t k = 1; k < pass->n_slices && k < SLICES_MAX; k++)
		free(pass->gradients[k]);
	free(pass->losses);
	free(pass);
}

size_t pass_bytes(struct model *model, int steps, int batch, int threads)
{
	size_t parameters = params_elements(model_params(model));
	batch = batch > EVALUATION_BATCH ? batch : EVALUATION_BATCH;
	return model_bytes(model, steps, batch, threads) + slices_most(parameters) * parameters * sizeof(double);
}

void pass_watch(struct pass *pass, model_watch_fn watch, void *context)
{
	pass->watch = watch;
	pass->watch_context = context;
}

bool pass_abandoned(const struct pass *pass)
{
	return atomic_load(&pass->abandoned);
}

/* Copies windows order[first ..] into x [steps][n_inputs][count] and target [n_targets][count]. */
static void seat_gather(struct seat *seat, const size_t *order, size_t first, size_t count)
{
	const struct windows *w = seat->pass->config.windows;
	size_t frame = (size_t)w->steps * (size_t)w->n_inputs, outputs = (size_t)w->n_targets;
	for (size_t b = 0; b < count; b++) {
		size_t index = order != NULL ? order[first + b] : first + b;
		for (size_t k = 0; k < frame; k++)
			seat->x[k * count + b] = w->x[index * frame + k];
		for (size_t k = 0; k < outputs; k++)
			seat->target[k * count + b] = w->y[index * outputs + k];
	}
}

/* The slice's loss, and its gradient in the slice's block, into which layers with state add while they go forward. */
static void seat_train(struct seat *seat, const struct errand *errand, size_t part, size_t count)
{
	struct pass *pass = seat->pass;
	const struct windows *w = pass->config.windows;
	struct params *params = model_params(seat->model);
	double *own = params->gradients;
	size_t first = errand->first + part * errand->slice, outputs = (size_t)w->n_targets;
	const struct training_context training = {.seed = pass->config.seed,
	                                          .epoch = errand->epoch,
	                                          .order = errand->order != NULL ? errand->order + first : NULL,
	                                          .first = first};
	params->gradients = pass->gradients[part];
	params_zero_gradients(params);
	model_forward_training(seat->model, &training, seat->x, w->steps, (int)count, seat->y);
	if (!model_abandoned(seat->model)) {
		pass->losses[part] = pass->config.loss->sum(seat->y, seat->target, count * outputs);
		pass->config.loss->backward(seat->y, seat->target, count * outputs,
		                            1.0 / (double)(errand->count * outputs), seat->dy);
		model_backward(seat->model, seat->dy, NULL);
	}
	params->gradients = own;
}

static void pass_part(void *context, size_t part, int member)
{
	const struct errand *errand = context;
	struct pass *pass = errand->pass;
	struct seat *seat = &pass->seats[member];
	const struct windows *w = pass->config.windows;
	if (pass_abandoned(pass))
		return;
	size_t first = part * errand->slice, left = errand->count - first, outputs = (size_t)w->n_targets;
	size_t n = left < errand->slice ? left : errand->slice;
	seat_gather(seat, errand->order, errand->first + first, n);
	model_watch(seat->model, pass->watch != NULL ? seat_tick : NULL, seat);
	if (errand->gradient) {
		seat_train(seat, errand, part, n);
		return;
	}
	model_forward(seat->model, seat->x, w->steps, (int)n, seat->y);
	if (model_abandoned(seat->model))
		return;
	pass->losses[part] = pass->config.loss->sum(seat->y, seat->target, n * outputs);
	for (size_t b = 0; errand->predictions != NULL && b < n; b++)
		for (size_t k = 0; k < outputs; k++)
			errand->predictions[(first + b) * outputs + k] = seat->y[k * n + b];
}

/* The sum of the slices' losses. */
static double pass_run(struct pass *pass, struct errand errand)
{
	size_t parts = (errand.count + errand.slice - 1) / errand.slice;
	errand.pass = pass;
	atomic_store(&pass->abandoned, false);
	if (pass->n_seats > 1)
		team_run(pass->config.team, pass_part, &errand, parts);
	else
		for (size_t k = 0; k < parts; k++)
			pass_part(&errand, k, 0);
	double sum = 0.0;
	for (size_t k = 0; k < parts && !pass_abandoned(pass); k++)
		sum += pass->losses[k];
	return sum;
}

/* Adds one range of all slices' gradients to the first slice's. */
static void pass_sum_part(void *context, size_t part, int member)
{
	(void)member;
	const struct errand *errand = context;
	struct pass *pass = errand->pass;
	size_t size = params_elements(model_params(pass->config.model)), first = part * SUM_RANGE;
	size_t end = first + SUM_RANGE < size ? first + SUM_RANGE : size;
	size_t slices = (errand->count + errand->slice - 1) / errand->slice;
	for (size_t k = 1; k < slices; k++)
		for (size_t i = first; i < end; i++)
			pass->gradients[0][i] += pass->gradients[k][i];
}

double pass_train(struct pass *pass, int epoch, const size_t *order, size_t count)
{
	struct errand errand = {.pass = pass,
	                        .order = order,
	                        .count = count,
	                        .slice = pass->slice,
	                        .gradient = true,
	                        .epoch = (uint32_t)epoch};
	double loss = pass_run(pass, errand) / (double)(count * (size_t)pass->config.windows->n_targets);
	size_t size = params_elements(model_params(pass->config.model));
	if (count > pass->slice && !pass_abandoned(pass))
		team_run(pass->config.team, pass_sum_part, &errand, (size + SUM_RANGE - 1) / SUM_RANGE);
	return loss;
}

double pass_loss(struct pass *pass, size_t first, size_t count)
{
	return pass_run(pass, (struct errand){.first = first, .count = count, .slice = pass->evaluation_slice});
}

void pass_predict(struct pass *pass, size_t first, size_t count, double *y)
{
	pass_run(pass,
	         (struct errand){.first = first, .count = count, .slice = pass->evaluation_slice, .predictions = y});
}
