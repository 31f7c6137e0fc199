/* An experiment's whole way: text, JSON, shorthand, validation, columns, engine structs. What resolves, resolves to
 * itself. */
#include "tests/fuzz/target.h"

#include "schema/spec.h"

static void check_again(const json_t *resolved)
{
	struct qlstm_error error = {0};
	json_t *again;
	CHECK(spec_resolve(resolved, &again, &error) == 0);
	CHECK(json_equal(resolved, again));
	json_decref(again);
}

/* Of a table with two numeric columns and one of words. */
static int bind_and_parse(json_t *resolved, struct qlstm_error *error)
{
	static char names[][8] = {"time", "value", "note"};
	static struct column columns[] = {
	    {.name = names[0], .numeric = true}, {.name = names[1], .numeric = true}, {.name = names[2]}};
	static const struct table table = {.n_columns = 3, .columns = columns};
	struct spec spec;
	int rc = spec_bind(resolved, &table, error);
	if (rc != 0)
		return rc;
	rc = spec_parse(resolved, &spec, error);
	if (rc == 0)
		rc = model_check(&spec.model, error);
	if (rc == 0) /* the layers may not fit as many columns as there are */
		check_again(resolved);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qlstm_error error = {0};
	json_t *request = NULL, *resolved = NULL;
	int rc = spec_load((const char *)data, size, &request, &error);
	if (rc == 0)
		rc = spec_resolve(request, &resolved, &error);
	if (rc == 0) {
		check_again(resolved);
		rc = bind_and_parse(resolved, &error);
	}
	if (rc != 0) {
		check_refusal(&error, rc);
		spec_locate(request, &error);
		check_refusal(&error, rc);
	}
	json_decref(request);
	json_decref(resolved);
	return 0;
}

void target_seeds(target_give *give, void *context)
{
	static const char *const texts[] = {
	    "{}",
	    "[]",
	    "\xef\xbb\xbf{}",
	    "{\"hidden_size\":17,\"n_qubits\":4,\"n_qlayers\":1,\"depth\":1,\"inversward\":false}",
	    "{\"name\":\"pendulum \\u00fc\",\"data\":{\"dataset\":\"damped_shm\",\"window\":4,\"inputs\":[\"value\"],"
	    "\"targets\":[1],\"scaling\":\"standard\",\"horizon\":2},\"training\":{\"epochs\":30,\"batch_size\":10,"
	    "\"optimizer\":{\"type\":\"rmsprop\",\"learning_rate\":0.01},\"seed\":1}}",
	    "{\"model\":{\"layers\":[{\"type\":\"qlstm\",\"variant\":\"chen2020\",\"hidden_size\":5,\"n_qubits\":6},"
	    "{\"type\":\"dense\",\"units\":1}]}}",
	    "{\"model\":{\"layers\":[{\"type\":\"gru\"},{\"type\":\"dropout\",\"rate\":0.5},{\"type\":\"rnn\","
	    "\"activation\":\"relu\"},{\"type\":\"activation\",\"function\":\"tanh\"},{\"type\":\"quantum\"},"
	    "{\"type\":\"qgru\"},{\"type\":\"lstm\",\"bidirectional\":true}]}}",
	    "{\"data\":{\"task\":\"classification\",\"targets\":[\"note\"],\"steps\":2},\"training\":{\"loss\":"
	    "\"cross_entropy\"}}",
	    "{\"data\":{\"task\":\"regression\",\"train_fraction\":0.5}}",
	    "{\"data\":{\"task\":\"regression\",\"steps\":1},\"model\":{\"layers\":[{\"type\":\"quantum\","
	    "\"n_qubits\":1},{\"type\":\"lstm\"}]}}",
	    "{\"training\":{\"epochs\":1e3,\"seed\":18446744073709551615,\"loss\":\"huber\"}}",
	    "{\"model\":{\"type\":\"qlstm\",\"ansatz\":\"strongly_entangling\",\"encoder\":\"pi_x\",\"n_qubits\":26}}",
	    "{\"simulation\":{\"plan\":\"wide\",\"precision\":\"float32\"},\"max_seconds\":5e-324,\"max_attempts\":0}",
	    "{\"hidden_size\":2,\"hidden_size\":3}",
	    "{\"n_qubits\":1e400}",
	    "{\"no_such\":{}}",
	    "{\"a\":"};
	GIVE_TEXTS(texts);
}
