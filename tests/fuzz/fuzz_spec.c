/* Fuzzes a request's whole way: text, JSON, shorthand, validation, columns, engine structs. What resolves must resolve
 * to itself, and every error must fit into JSON.
 *   clang -std=c17 -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -I. tests/fuzz/fuzz_spec.c \
 *       schema/[a-z]*.c build/schema/embed.o build/libqlstm.a -ljansson -lsodium -lm -o build/fuzz_spec
 *   build/fuzz_spec -max_len=2048 build/corpus schema/recipes */
#include <stdint.h>
#include <stdlib.h>

#include "schema/spec.h"

static void check_error(const struct qlstm_error *error, int rc)
{
	json_t *answer = json_pack("{s:s, s:s}", "pointer", error->pointer, "message", error->message);
	if (rc >= 0 || error->code != rc || answer == NULL)
		abort();
	json_decref(answer);
}

static void check_again(const json_t *resolved)
{
	struct qlstm_error error = {0};
	json_t *again;
	if (spec_resolve(resolved, &again, &error) != 0 || !json_equal(resolved, again))
		abort();
	json_decref(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char names[][8] = {"time", "value", "note"};
	static struct column columns[] = {
	    {.name = names[0], .numeric = true}, {.name = names[1], .numeric = true}, {.name = names[2]}};
	static const struct table table = {.n_columns = 3, .columns = columns};
	struct qlstm_error error = {0};
	json_t *request, *resolved;
	int rc = spec_load((const char *)data, size, &request, &error);
	if (rc != 0) {
		check_error(&error, rc);
		return 0;
	}
	rc = spec_resolve(request, &resolved, &error);
	json_decref(request);
	if (rc != 0) {
		check_error(&error, rc);
		return 0;
	}
	check_again(resolved);
	rc = spec_bind(resolved, &table, &error);
	if (rc == 0) {
		struct spec spec;
		check_again(resolved);
		rc = spec_parse(resolved, &spec, &error);
		if (rc == 0)
			rc = model_check(&spec.model, &error);
	}
	if (rc != 0)
		check_error(&error, rc);
	json_decref(resolved);
	return 0;
}
