/* Inputs of a prediction, as JSON and as CSV. The first byte: how many features a time step has; the top bit: CSV. */
#include "tests/fuzz/target.h"

#include <math.h>

#include "server/common/predict_inputs.h"
#include "server/common/predict_wire.h"

static json_t *experiment(void)
{
	static json_t *resolved;
	struct qlstm_error error = {0};
	json_t *request =
	    json_pack("{s:{s:[ss], s:[s], s:i}}", "data", "inputs", "a", "b", "targets", "a", "window", 2);
	if (resolved == NULL)
		CHECK(spec_resolve(request, &resolved, &error) == 0);
	json_decref(request);
	return resolved;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct predict_inputs inputs = {0};
	struct qlstm_error error = {0};
	const char *text = (const char *)data + 1;
	bool csv = data[0] >= 128;
	size_t features = csv ? 2 : 1 + data[0] % 4;
	int rc = csv ? predict_inputs_csv(text, size - 1, experiment(), &inputs, &error)
	             : predict_inputs_json(text, size - 1, features, &inputs, &error);
	if (rc != 0) {
		check_refusal(&error, rc);
		return 0;
	}
	size_t count = inputs.samples * inputs.steps * inputs.features;
	CHECK(inputs.features == features && count > 0 && count <= PREDICT_MAX_NUMBERS);
	for (size_t i = 0; i < count; i++)
		CHECK(isfinite(inputs.values[i]));
	predict_inputs_free(&inputs);
	return 0;
}

/* A long name of letters of two bytes. */
#define EIGHT "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"

void target_seeds(target_give *give, void *context)
{
	static const char *const texts[] = {"\4{\"inputs\": [[[1], [-2.5e-3]], [[3], [4]]]}",
	                                    "\1{\"inputs\": [[[1, 2], [3, 4], [5, 6]]]}",
	                                    "\1{\"inputs\": [[[1, 2], [3]]]}",
	                                    "\4{\"inputs\": [[[1e999]]]}",
	                                    "\4{\"inputs\": []}",
	                                    "\4{}",
	                                    ("\4{\"" EIGHT EIGHT EIGHT EIGHT "~/\": 1}"),
	                                    "\377a,b\n1,2\n3,4\n5,6\n",
	                                    "\377b,c,a\n1,2,3\n4,x,6\n",
	                                    "\3771,2\n3,4\n",
	                                    "\377a,b\n1,2\n",
	                                    "\377a,b\n1,\n3,4\n"};
	GIVE_TEXTS(texts);
}
