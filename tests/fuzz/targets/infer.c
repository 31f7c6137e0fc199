/* Bodies of POST /v2/models/ID/infer: what is taken has as many finite numbers as its shape says, and an answer to it
 * can be written. The first byte chooses the model: a forecasting, a regression, a classification. */
#include "tests/fuzz/target.h"

#include <math.h>

#include "schema/spec.h"
#include "server/api/inference/tensors.h"
#include "server/common/predict/predict_wire.h"

enum { MODELS = 3, MOST_ANSWERED = 4096 };

static const struct model_shape *model(int k)
{
	static const char *const requests[MODELS] = {
	    "{\"data\":{\"inputs\":[\"a\",\"b\"],\"targets\":[\"a\"],\"window\":2}}",
	    "{\"data\":{\"task\":\"regression\",\"inputs\":[\"a\",\"b\"],\"targets\":[\"c\"],\"steps\":2}}",
	    "{\"data\":{\"task\":\"classification\",\"inputs\":[\"a\"],\"targets\":[\"c\"],\"classes\":3}}"};
	static struct model_shape shapes[MODELS];
	struct qlstm_error error = {0};
	if (shapes[k].features == 0) {
		json_t *request = json_loads(requests[k], 0, NULL), *resolved = NULL;
		if (spec_resolve(request, &resolved, &error) != 0)
			fprintf(stderr, "%s %s\n", error.pointer, error.message);
		CHECK(error.code == 0 && model_shape_of(resolved, &shapes[k], &error) == 0);
		json_decref(resolved);
		json_decref(request);
	}
	return &shapes[k];
}

static void check_answer(const json_t *body, const struct model_shape *shape, size_t samples)
{
	struct qlstm_error error = {0};
	json_t *outputs = NULL;
	if (samples > MOST_ANSWERED)
		return;
	double *values = calloc(samples * shape->outputs, sizeof *values);
	CHECK(values != NULL);
	values[0] = NAN;
	int rc = inference_outputs(body, shape, values, samples, shape->outputs, &outputs, &error);
	free(values);
	if (rc != 0) {
		check_refusal(&error, rc);
		return;
	}
	char *text = json_dumps(outputs, 0);
	CHECK(text != NULL);
	free(text);
	json_decref(outputs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qlstm_error error = {0};
	struct predict_inputs inputs = {0};
	json_t *body = NULL;
	if (size == 0)
		return 0;
	const struct model_shape *shape = model(data[0] % MODELS);
	int rc = spec_load((const char *)data + 1, size - 1, &body, &error);
	if (rc == 0)
		rc = inference_inputs(body, shape, &inputs, &error);
	if (rc != 0) {
		check_refusal(&error, rc);
	} else {
		size_t count = inputs.samples * inputs.steps * inputs.features;
		CHECK(inputs.features == shape->features && count > 0 && count <= PREDICT_MAX_NUMBERS);
		CHECK(shape->steps == 0 || inputs.steps == shape->steps);
		for (size_t i = 0; i < count; i++)
			CHECK(isfinite(inputs.values[i]));
		check_answer(body, shape, inputs.samples);
	}
	predict_inputs_free(&inputs);
	json_decref(body);
	return 0;
}

void target_seeds(target_give *give, void *context)
{
	static const char *const texts[] = {
	    "0{\"inputs\":[{\"name\":\"inputs\",\"shape\":[2,2,2],\"datatype\":\"FP64\",\"data\":[1,2,3,4,5,6,7,8]}]}",
	    "0{\"id\":\"x\",\"inputs\":[{\"name\":\"inputs\",\"shape\":[1,1,2],\"datatype\":\"BOOL\",\"data\":[[[true,"
	    "false]]]}],\"outputs\":[{\"name\":\"outputs\"}]}",
	    "1{\"inputs\":[{\"name\":\"inputs\",\"shape\":[1,2,1],\"datatype\":\"INT8\",\"data\":[1,2e300]}]}",
	    "2{\"inputs\":[{\"name\":\"inputs\",\"shape\":[3,1,1],\"datatype\":\"FP32\",\"data\":[[1],[2],[3]]}],"
	    "\"outputs\":[{\"name\":\"classes\"},{\"name\":\"probabilities\"}]}",
	    "0{\"inputs\":[{\"name\":\"inputs\",\"shape\":[4194304,2097152,2],\"datatype\":\"FP64\",\"data\":[]}]}",
	    "0{\"inputs\":[{\"name\":\"inputs\",\"shape\":[1,1,2],\"datatype\":\"FP64\",\"parameters\":"
	    "{\"binary_data_size\":16}}]}",
	    "1{\"inputs\":[{\"name\":\"inputs\",\"shape\":[1,2],\"datatype\":\"BYTES\",\"data\":[\"a\"]}]}",
	    "2{\"inputs\":[]}",
	    "2[[[[[[1]]]]]]",
	    "0{"};
	GIVE_TEXTS(texts);
}
