/* A pass that trains keeps circuits' states on the way forward; its gradients are, to the bit, those of a pass that
 * goes forward again on the way back. */
#include "tests/unit/nn_fixture.h"

#include <stdlib.h>

#include "tests/unit/oracle.h"

static double *random_numbers(struct oracle_random *random, size_t count)
{
	double *numbers = calloc(count, sizeof *numbers);
	for (size_t i = 0; i < count; i++)
		numbers[i] = oracle_uniform(random, -1, 1);
	return numbers;
}

/* The first pass is told nothing of training, so that it keeps nothing. */
static void check_model(struct layer_config layer, int steps, int batch)
{
	struct model_config config = one_layer(layer, 1, 1, "batch");
	struct model *model = open_model(&config, steps, batch);
	struct params *params = model_params(model);
	struct oracle_random random = {73};
	const struct training_context training = {.seed = 1, .epoch = 1};
	double *x = random_numbers(&random, (size_t)(steps * batch)), *y = calloc((size_t)batch, sizeof *y);
	double *dy = random_numbers(&random, (size_t)batch);
	double *wanted = calloc(params->size, sizeof *wanted);
	params_initialise(params, 3);
	for (int pass = 0; pass < 3; pass++) {
		params_zero_gradients(params);
		model_forward_training(model, pass > 0 ? &training : NULL, x, steps, batch, y);
		model_backward(model, dy, NULL);
		if (pass == 0)
			memcpy(wanted, params->gradients, params->size * sizeof *wanted);
		assert_memory_equal(params->gradients, wanted, params->size * sizeof *wanted);
	}
	free(x);
	free(y);
	free(dy);
	free(wanted);
	model_free(model);
}

static void test_models(void **state)
{
	(void)state;
	static const char *const variants[] = {"chen2020", "chen2024", "linear", "qdi"};
	for (size_t k = 0; k < sizeof variants / sizeof *variants; k++) {
		check_model(qlstm_layer(variants[k]), 3, 11);
		check_model(qlstm_layer(variants[k]), 70, 33); /* more steps than there is room for */
	}
	check_model(qgru_layer("linear"), 5, 9);
	struct layer_config turned = qlstm_layer("linear");
	turned.qlstm.recurrent.inversward = true;
	check_model(turned, 5, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_models),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
