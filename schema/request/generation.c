/* What is said of sequences to be generated. */
#include "schema/request/generation.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "engine/utf8.h"
#include "schema/place/place.h"

/* The numbers of a request; absent ones are at `fallback`. */
struct member {
	const char *name;
	bool whole;
	double least, most, fallback;
};

enum { LENGTH, SAMPLES, TEMPERATURE, SEED, N_MEMBERS };

static const struct member members[N_MEMBERS] = {
    [LENGTH] = {"length", true, 2, GENERATION_MAX_LENGTH, 0},
    [SAMPLES] = {"samples", true, 1, GENERATION_MAX_SAMPLES, 1},
    [TEMPERATURE] = {"temperature", false, 0, 100, 1},
    [SEED] = {"seed", true, 0, 9007199254740991.0, 0},
};

static int read_member(const json_t *body, const struct member *member, double *out, struct qlstm_error *error)
{
	const json_t *value = json_object_get(body, member->name);
	char pointer[32], quoted[PLACE_VALUE_SIZE];
	*out = member->fallback;
	if (value == NULL)
		return 0;
	snprintf(pointer, sizeof pointer, "/%s", member->name);
	place_value(value, quoted);
	if (!json_is_number(value) || (member->whole && !json_is_integer(value)))
		return error_set(error, ERR_WRONG_TYPE, pointer, "%s is %s; %s is expected", member->name, quoted,
		                 member->whole ? "an integer" : "a number");
	*out = json_number_value(value);
	if (*out < member->least || *out > member->most)
		return error_set(error, ERR_OUT_OF_RANGE, pointer, "%s is %s; allowed are %.17g to %.17g", member->name,
		                 quoted, member->least, member->most);
	return 0;
}

static bool is_known(const char *name)
{
	for (int k = 0; k < N_MEMBERS; k++)
		if (strcmp(name, members[k].name) == 0)
			return true;
	return strcmp(name, "prompt") == 0 || strcmp(name, "postselect") == 0;
}

static int refuse_members(const json_t *body, struct qlstm_error *error)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)body, name, value)
	{
		if (is_known(name))
			continue;
		char pointer[PLACE_POINTER_SIZE] = "";
		place_add_token(pointer, sizeof pointer, name);
		return error_set(error, ERR_UNKNOWN_FIELD, pointer,
		                 "unknown field '%.*s'; known are prompt, length, samples, temperature, postselect and "
		                 "seed",
		                 (int)utf8_cut(name, 60), name);
	}
	return 0;
}

/* temperature 0 and postselect are the same; both at once must not differ. */
static int read_postselect(const json_t *body, double *temperature, struct qlstm_error *error)
{
	const json_t *value = json_object_get(body, "postselect");
	if (value == NULL || json_is_false(value))
		return 0;
	if (!json_is_true(value))
		return error_set(error, ERR_WRONG_TYPE, "/postselect", "postselect is %s; true or false is expected",
		                 place_type(value));
	if (json_object_get(body, "temperature") != NULL && *temperature > 0)
		return error_set(error, ERR_INVALID, "/temperature",
		                 "with postselect the most probable one is taken, which no temperature changes; leave "
		                 "one of them out");
	*temperature = 0;
	return 0;
}

int generation_read(const json_t *body, struct generation_wanted *out, struct qlstm_error *error)
{
	double numbers[N_MEMBERS] = {0};
	*out = (struct generation_wanted){0};
	int rc = json_is_object(body) ? refuse_members(body, error)
	                              : error_set(error, ERR_WRONG_TYPE, "", "an object with 'prompt' is expected");
	for (int k = 0; rc == 0 && k < N_MEMBERS; k++)
		rc = read_member(body, &members[k], &numbers[k], error);
	if (rc == 0)
		rc = read_postselect(body, &numbers[TEMPERATURE], error);
	if (rc == 0) /* refused ones are not in range */
		*out = (struct generation_wanted){.length = (size_t)numbers[LENGTH],
		                                  .samples = (size_t)numbers[SAMPLES],
		                                  .temperature = numbers[TEMPERATURE],
		                                  .seed = (uint64_t)numbers[SEED]};
	return rc;
}
