/* Inputs of a prediction, as JSON and as a data file. Bit 0 of the first byte: a forecasting, or a regression whose
 * rows are samples of two steps; bit 1: a file. */
#include "tests/fuzz/target.h"

#include <math.h>

#include "server/common/data_file.h"
#include "server/common/predict/predict_inputs.h"
#include "server/common/predict/predict_wire.h"

static const json_t *experiment(int rows_are_samples)
{
	static json_t *resolved[2];
	static const char *const requests[2] = {
	    "{\"data\":{\"inputs\":[\"a\",\"b\"],\"targets\":[\"a\"],\"window\":2}}",
	    "{\"data\":{\"task\":\"regression\",\"inputs\":[\"a\",\"b\"],\"targets\":[\"c\"],\"steps\":2}}"};
	struct qlstm_error error = {0};
	if (resolved[rows_are_samples] == NULL) {
		json_t *request = json_loads(requests[rows_are_samples], 0, NULL);
		int rc = spec_resolve(request, &resolved[rows_are_samples], &error);
		if (rc != 0)
			fprintf(stderr, "%s %s\n", error.pointer, error.message);
		CHECK(rc == 0);
		json_decref(request);
	}
	return resolved[rows_are_samples];
}

static int read_file(const uint8_t *data, size_t size, const json_t *resolved, struct predict_inputs *inputs,
                     struct qlstm_error *error)
{
	const struct data_request request = {.limit = 1 << 20, .values = true};
	struct data_file found;
	struct table table = {0};
	int rc = data_file_read(data, size, &request, &found, &table, error);
	if (rc == 0)
		rc = predict_inputs_table(&table, resolved, inputs, error);
	table_free(&table);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct predict_inputs inputs = {0};
	struct qlstm_error error = {0};
	const json_t *resolved = experiment(data[0] & 1);
	int rc = data[0] & 2 ? read_file(data + 1, size - 1, resolved, &inputs, &error)
	                     : predict_inputs_json((const char *)data + 1, size - 1, resolved, &inputs, &error);
	if (rc != 0) {
		check_refusal(&error, rc);
		return 0;
	}
	size_t count = inputs.samples * inputs.steps * inputs.features;
	CHECK(inputs.features == (data[0] & 1 ? 1 : 2) && count > 0 && count <= PREDICT_MAX_NUMBERS);
	for (size_t i = 0; i < count; i++)
		CHECK(isfinite(inputs.values[i]));
	predict_inputs_free(&inputs);
	return 0;
}

/* A long name of letters of two bytes. */
#define EIGHT "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"

void target_seeds(target_give *give, void *context)
{
	static const char *const texts[] = {"\4{\"inputs\": [[[1, 2], [-2.5e-3, 0]], [[3, 4], [5, 6]]]}",
	                                    "\5{\"inputs\": [[[1], [2]], [[3], [4]], [[5], [6]]]}",
	                                    "\4{\"inputs\": [[[1, 2], [3]]]}",
	                                    "\4{\"inputs\": [[[1e999, 1]]]}",
	                                    "\5{\"inputs\": []}",
	                                    "\4{}",
	                                    ("\4{\"inputs\": [[[1, 2]]], \"x" EIGHT EIGHT EIGHT EIGHT "~/\": 1}"),
	                                    "\6a,b\n1,2\n3,4\n5,6\n",
	                                    "\7b,c,a\n1,2,3\n4,x,6\n",
	                                    "\0071,2\n3,4\n",
	                                    "\6a,b\n1,2\n",
	                                    "\6a,b\n1,\n3,4\n"};
	GIVE_TEXTS(texts);
}
