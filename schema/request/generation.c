/* What is said of sequences to be generated. */
#include "schema/request/generation.h"

#include "schema/place/place.h"
#include "schema/request/members.h"

enum { LENGTH, SAMPLES, TEMPERATURE, SEED, N_NUMBERS };

static const struct request_number numbers[N_NUMBERS] = {
    [LENGTH] = {"length", true, 2, GENERATION_MAX_LENGTH, 0},
    [SAMPLES] = {"samples", true, 1, GENERATION_MAX_SAMPLES, 1},
    [TEMPERATURE] = {"temperature", false, 0, 100, 1},
    [SEED] = {"seed", true, 0, 9007199254740991.0, 0},
};

static const char *const known[] = {"prompt", "length", "samples", "temperature", "postselect", "seed", NULL};

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
	double said[N_NUMBERS] = {0};
	*out = (struct generation_wanted){0};
	int rc = json_is_object(body) ? request_refuse_others(body, known, error)
	                              : error_set(error, ERR_WRONG_TYPE, "", "an object with 'prompt' is expected");
	for (int k = 0; rc == 0 && k < N_NUMBERS; k++)
		rc = request_number_read(body, &numbers[k], &said[k], error);
	if (rc == 0)
		rc = read_postselect(body, &said[TEMPERATURE], error);
	if (rc == 0) /* refused ones are not in range */
		*out = (struct generation_wanted){.length = (size_t)said[LENGTH],
		                                  .samples = (size_t)said[SAMPLES],
		                                  .temperature = said[TEMPERATURE],
		                                  .seed = (uint64_t)said[SEED]};
	return rc;
}
