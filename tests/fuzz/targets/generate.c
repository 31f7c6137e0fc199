/* Bodies of POST /experiments/ID/generate: what is taken are words of the model, with room behind them. The first byte
 * chooses the model: of words alone, with an alphabet, or not of words. */
#include "tests/fuzz/target.h"

#include <math.h>

#include "schema/request/generation.h"
#include "server/common/predict/generate_request.h"

enum { MODELS = 3, BITS = 2, WORDS = 1 << BITS };

static const json_t *model(int k)
{
	static json_t *specs[MODELS];
	static const char *const alphabets[MODELS] = {NULL, "a\xc3\xbc c", NULL};
	if (specs[k] == NULL)
		specs[k] = json_pack("{s:{s:s, s:i, s:i, s:s*}}", "data", "task", k < 2 ? "words" : "forecasting",
		                     "word_bits", BITS, "length", 9, "alphabet", alphabets[k]);
	CHECK(specs[k] != NULL);
	return specs[k];
}

/* The answer, with words drawn. */
static void check_answer(const json_t *spec, const struct predict_inputs *prompts, const struct generation *generation)
{
	size_t length = (size_t)generation->length, count = prompts->samples * 2 * length;
	double *values = calloc(count, sizeof *values);
	CHECK(values != NULL);
	for (size_t i = 0; i < count; i++)
		values[i] = i / length % 2 == 0 ? (double)(i % WORDS) : 0.5;
	json_t *json = generate_reply_json(spec, prompts, generation, values);
	char *text = json != NULL ? json_dumps(json, 0) : NULL;
	CHECK(text != NULL);
	free(text);
	json_decref(json);
	free(values);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct predict_inputs prompts = {0};
	struct generation generation = {0};
	struct qlstm_error error = {0};
	if (size == 0)
		return 0;
	const json_t *spec = model(data[0] % MODELS);
	int rc = generate_request_json((const char *)data + 1, size - 1, spec, &prompts, &generation, &error);
	if (rc != 0) {
		check_refusal(&error, rc);
		CHECK(prompts.values == NULL);
		return 0;
	}
	CHECK(data[0] % MODELS < 2);
	CHECK(prompts.samples >= 1 && prompts.samples <= GENERATION_MAX_SAMPLES && prompts.features == 1);
	CHECK(prompts.steps >= 1 && prompts.steps < generation.length && generation.length <= GENERATION_MAX_LENGTH);
	CHECK(isfinite(generation.temperature) && generation.temperature >= 0);
	for (size_t i = 0; i < prompts.samples * prompts.steps; i++)
		CHECK(prompts.values[i] >= 0 && prompts.values[i] < WORDS &&
		      floor(prompts.values[i]) == prompts.values[i]);
	if (prompts.samples * generation.length <= 4096)
		check_answer(spec, &prompts, &generation);
	predict_inputs_free(&prompts);
	return 0;
}

void target_seeds(target_give *give, void *context)
{
	static const char *const texts[] = {
	    "0{\"prompt\": [0, 1, 3]}",
	    "0{\"prompt\": [1], \"length\": 20, \"samples\": 3, \"temperature\": 0.5, \"seed\": 7}",
	    "1{\"prompt\": \"c a\xc3\xbc\", \"samples\": 2, \"temperature\": 1e-3}",
	    "1{\"prompt\": \"a\\u00fc\", \"postselect\": true}",
	    "1{\"prompt\": \"\", \"length\": 4096}",
	    "0{\"prompt\": [4]}",
	    "0{\"prompt\": [1.0, -0.0]}",
	    "0{\"prompt\": [0], \"seed\": 18446744073709551615, \"samples\": 257}",
	    "0{\"prompt\": [0], \"temperature\": 1e999}",
	    "0{\"prompt\": [0,1,2,3,0,1,2,3,0]}",
	    "2{\"prompt\": [0]}",
	    "1{\"prompt\": {}, \"a~/\xc3\xbc\": null}",
	    "0[]"};
	GIVE_TEXTS(texts);
}
