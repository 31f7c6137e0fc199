/* Circuit programs as JSON, as the worker reads them: what is taken passes the engine's own check. */
#include "tests/fuzz/target.h"

#include <math.h>

#include "server/worker/tools/program_json.h"

static void check_program(const struct program_json *read)
{
	const struct circuit_program *program = read->program;
	CHECK(program_check(program, NULL) == 0);
	CHECK(read->n_features >= program->n_features && read->n_weights >= program->n_weights && read->batch >= 1);
	for (int i = 0; i < read->n_features * read->batch; i++)
		CHECK(isfinite(read->features[i]));
	for (int i = 0; i < read->n_weights; i++)
		CHECK(isfinite(read->weights[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json = json_loadb((const char *)data, size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	if (json == NULL)
		return 0;
	struct program_json read = {0};
	struct qlstm_error error = {0};
	int rc = program_json_read(json, &read, &error);
	if (rc != 0)
		check_refusal(&error, rc);
	else
		check_program(&read);
	program_json_free(&read);
	json_decref(json);
	return 0;
}

void target_seeds(target_give *give, void *context)
{
	static const char *const texts[] = {
	    "{\"n_qubits\":4,\"gates\":[{\"gate\":\"H\",\"wires\":[3]},"
	    "{\"gate\":\"RY\",\"wires\":[0],\"angle\":{\"feature\":1,\"encoder\":\"atan\"}},"
	    "{\"gate\":\"Rot\",\"wires\":[1],\"angle\":[0.1,{\"weight\":2},{\"feature\":0}]},"
	    "{\"gate\":\"CNOT\",\"wires\":[2,1]}],\"features\":[[1,2],[3,4]],\"weights\":[7,8,9],"
	    "\"observables\":[\"ZIII\",\"X3 Y0\"]}",
	    "{\"gates\":[]}",
	    "{\"gates\":[{\"gate\":\"SWAP\",\"wires\":[0,24]}],\"n_wires\":25}",
	    "{\"gates\":[{\"gate\":\"RX\",\"wires\":[0],\"angle\":{\"feature\":0,\"encoder\":\"acos\"}}]}",
	    "{\"gates\":[{\"gate\":\"RZ\",\"wires\":[0],\"angle\":1e308}],\"features\":[]}",
	    "{\"gates\":[{\"gate\":\"CZ\",\"wires\":[1,1]}]}",
	    "{\"gates\":[{\"gate\":\"RX\",\"wires\":[0],\"angle\":{\"weight\":2147483647}}]}",
	    "[]",
	    "{\"gates\":[{}],\"observables\":[\"Y0\"]}"};
	GIVE_TEXTS(texts);
}
