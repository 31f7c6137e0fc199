/* The members of a request's body. */
#include "schema/request/members.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "engine/utf8.h"
#include "schema/place/place.h"

int request_number_read(const json_t *body, const struct request_number *number, double *out, struct qlstm_error *error)
{
	const json_t *value = json_object_get(body, number->name);
	char pointer[40], quoted[PLACE_VALUE_SIZE];
	*out = number->fallback;
	if (value == NULL)
		return 0;
	snprintf(pointer, sizeof pointer, "/%s", number->name);
	place_value(value, quoted);
	if (!json_is_number(value) || (number->whole && !json_is_integer(value)))
		return error_set(error, ERR_WRONG_TYPE, pointer, "%s is %s; %s is expected", number->name, quoted,
		                 number->whole ? "an integer" : "a number");
	double said = json_number_value(value);
	if (said < number->least || said > number->most)
		return error_set(error, ERR_OUT_OF_RANGE, pointer, "%s is %s; allowed are %.17g to %.17g", number->name,
		                 quoted, number->least, number->most);
	*out = said;
	return 0;
}

/* "prompt, length and seed" */
static void list_known(const char *const *known, char *out, size_t size)
{
	size_t used = 0;
	*out = '\0';
	for (size_t k = 0; known[k] != NULL && used < size; k++) {
		const char *joint = k == 0 ? "" : known[k + 1] == NULL ? " and " : ", ";
		int n = snprintf(out + used, size - used, "%s%s", joint, known[k]);
		used += n > 0 ? (size_t)n : 0;
	}
}

int request_refuse_others(const json_t *body, const char *const *known, struct qlstm_error *error)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)body, name, value)
	{
		size_t k = 0;
		while (known[k] != NULL && strcmp(known[k], name) != 0)
			k++;
		if (known[k] != NULL)
			continue;
		char pointer[PLACE_POINTER_SIZE] = "", list[200];
		place_add_token(pointer, sizeof pointer, name);
		list_known(known, list, sizeof list);
		return error_set(error, ERR_UNKNOWN_FIELD, pointer, "unknown field '%.*s'; known %s %s",
		                 (int)utf8_cut(name, 60), name, known[1] != NULL ? "are" : "is", list);
	}
	return 0;
}
