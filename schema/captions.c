/* What of a spec is for people alone. */
#include "schema/captions.h"

#include <stdint.h>

#include "schema/spec.h"
#include "schema/tq42/tq42.h"
#include "schema/validate.h"

static const char *const names[] = {"name", "project", "tags", "notes"};

enum { N_NAMES = sizeof names / sizeof names[0] };

char *captions_rest(const json_t *request)
{
	if (!json_is_object(request) || tq42_is(request))
		return NULL;
	json_t *rest = json_object();
	char *text = NULL;
	if (json_object_update(rest, (json_t *)(uintptr_t)request) == 0) {
		for (size_t i = 0; i < N_NAMES; i++)
			json_object_del(rest, names[i]);
		text = json_dumps(rest, JSON_COMPACT);
	}
	json_decref(rest);
	return text;
}

int captions_resolve(const json_t *request, json_t **captions, struct qlstm_error *error)
{
	return schema_resolve_fields(spec_schema(), request, names, N_NAMES, captions, error);
}

int captions_take(json_t *spec, json_t **captions, struct qlstm_error *error)
{
	json_t *taken = json_object();
	for (size_t i = 0; i < N_NAMES; i++) {
		json_t *value = json_object_get(spec, names[i]);
		if (taken == NULL || (value != NULL && json_object_set(taken, names[i], value) != 0)) {
			json_decref(taken);
			return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
		}
		json_object_del(spec, names[i]);
	}
	*captions = taken;
	return 0;
}
