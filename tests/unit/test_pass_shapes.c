/* Passes over windows of other shapes: long and wide ones, and circuits whose plan shares out a single sample's work.
 */
#include "tests/unit/training_fixture.h"

#include "engine/train/pass.h"

struct shape {
	int steps, inputs;
	size_t n_train, n_test;
};

static void fill(struct windows *w, const struct shape *shape)
{
	size_t n = shape->n_train + shape->n_test, frame = (size_t)shape->steps * (size_t)shape->inputs;
	*w = (struct windows){.n_inputs = shape->inputs,
	                      .n_targets = FIX_TARGETS,
	                      .steps = shape->steps,
	                      .parts = {shape->n_train, 0, shape->n_test}};
	w->x = malloc(n * frame * sizeof(double));
	w->y = malloc(n * FIX_TARGETS * sizeof(double));
	assert_true(w->x != NULL && w->y != NULL);
	for (size_t k = 0; k < n * frame; k++)
		w->x[k] = sin(0.7 * (double)k);
	for (size_t k = 0; k < n * FIX_TARGETS; k++)
		w->y[k] = cos(0.3 * (double)k);
}

static struct model *model_of(struct layer_config layer, int inputs, const char *plan)
{
	struct qlstm_error error = {0};
	struct model *model = NULL;
	struct model_config config = {.n_inputs = inputs, .n_outputs = FIX_TARGETS, .n_layers = 2};
	snprintf(config.plan, sizeof config.plan, "%s", plan);
	config.layers[0] = layer;
	config.layers[1] = (struct layer_config){.type = "dense", .dense = {.units = FIX_TARGETS, .bias = true}};
	must(model_new(&model, &config, &error), &error);
	params_initialise(model_params(model), 5);
	return model;
}

/* One window after the other through a model of its own: the summed loss, and the gradient of the mean of all. */
static double one_by_one(struct model *model, const struct windows *w, size_t first, size_t count)
{
	struct qlstm_error error = {0};
	double y[FIX_TARGETS], dy[FIX_TARGETS], sum = 0;
	size_t frame = (size_t)w->steps * (size_t)w->n_inputs;
	must(model_reserve(model, w->steps, 1, &error), &error);
	params_zero_gradients(model_params(model));
	for (size_t b = first; b < first + count; b++) {
		model_forward(model, w->x + b * frame, w->steps, 1, y);
		for (size_t k = 0; k < FIX_TARGETS; k++) {
			double off = y[k] - w->y[b * FIX_TARGETS + k];
			sum += off * off;
			dy[k] = 2 * off / (double)(count * FIX_TARGETS);
		}
		model_backward(model, dy, NULL);
	}
	return sum;
}

static void check(struct layer_config layer, const char *plan, const struct shape *shape, int batch)
{
	struct qlstm_error error = {0};
	struct windows w;
	struct team *team = NULL;
	struct pass *pass = NULL;
	struct model *model = model_of(layer, shape->inputs, plan), *plain = model_of(layer, shape->inputs, plan);
	size_t order[128], count = (size_t)batch;
	fill(&w, shape);
	must(team_new(&team, 2, &error), &error);
	const struct pass_config config = {
	    .model = model, .samples = windows_samples(&w), .loss = loss_find("mse"), .batch = batch, .team = team};
	must(pass_new(&pass, &config, &error), &error);
	for (size_t k = 0; k < count; k++)
		order[k] = k;
	assert_relative(pass_train(pass, 1, order, count),
	                one_by_one(plain, &w, 0, count) / (double)(count * FIX_TARGETS), 1e-12);
	const struct params *a = model_params(model), *b = model_params(plain);
	for (size_t k = 0; k < a->size; k++)
		assert_true(fabs(a->gradients[k] - b->gradients[k]) <= 1e-11 * (1 + fabs(b->gradients[k])));
	assert_relative(pass_loss(pass, 0, w.parts.train + w.parts.test),
	                one_by_one(plain, &w, 0, w.parts.train + w.parts.test), 1e-12);
	pass_free(pass);
	team_free(team);
	model_free(model);
	model_free(plain);
	windows_free(&w);
}

static void long_and_wide_windows(void **state)
{
	(void)state;
	static const struct shape shape = {7, 5, 100, 30};
	const struct layer_config lstm = {.type = "lstm", .lstm = {{.hidden_size = 3}}};
	check(lstm, "auto", &shape, 100);
	check(lstm, "auto", &shape, 64);
	check(lstm, "auto", &shape, 1);
}

/* One seat, more than one slice to evaluate, and a team of two that helps inside the plan. */
static void a_plan_that_shares_a_sample(void **state)
{
	(void)state;
	static const struct shape shape = {2, 1, 4, 66};
	const struct layer_config wide = {
	    .type = "qlstm",
	    .qlstm = {.recurrent = {.hidden_size = 2},
	              .variant = "linear",
	              .circuit = {.n_qubits = 8, .n_qlayers = 1, .depth = 1, .rotation = PAULI_Y, .measure = PAULI_Z}}};
	check(wide, "wide", &shape, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(long_and_wide_windows),
	                                   cmocka_unit_test(a_plan_that_shares_a_sample)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
