/* POST /experiments/ID/predictions: another experiment, of kind prediction: what this one's model says of a data set.
 */
#include <stdlib.h>
#include <string.h>

#include "schema/place/place.h"
#include "schema/spec.h"
#include "server/api/experiments.h"
#include "server/api/handlers.h"
#include "server/api/request.h"
#include "server/common/json_text.h"

/* What the body may have beside "dataset": members of a spec. */
static bool is_member(const char *name)
{
	static const char *const members[] = {"name", "project", "tags", "notes", "priority", "limits"};
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		if (strcmp(members[i], name) == 0)
			return true;
	return false;
}

/* From the body to members of a spec. */
static int take_members(const json_t *body, json_t *spec, struct qlstm_error *error)
{
	const char *name;
	json_t *value;
	if (!json_is_object(body))
		return error_set(error, ERR_WRONG_TYPE, "", "an object with 'dataset' is expected");
	json_object_foreach((json_t *)(uintptr_t)body, name, value)
	{
		bool data = strcmp(name, "dataset") == 0;
		char pointer[PLACE_POINTER_SIZE] = "";
		place_add_token(pointer, sizeof pointer, name);
		if (!data && !is_member(name))
			return error_set(
			    error, ERR_UNKNOWN_FIELD, pointer,
			    "unknown field '%.60s'; known are dataset, name, project, tags, notes, priority and limits",
			    name);
		if (json_object_set(data ? json_object_get(spec, "data") : spec, name, value) != 0)
			return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	}
	return json_object_get(body, "dataset") != NULL
	           ? 0
	           : error_set(error, ERR_MISSING, "/dataset",
	                       "dataset is missing: the name or id of what is to be predicted");
}

/* As POST /experiments has it; the text is malloc, NULL after an error. */
static char *whole_request(const struct http_request *request, struct qlstm_error *error)
{
	json_t *body = NULL;
	json_t *spec = json_pack("{s:s, s:s, s:{}}", "kind", "prediction", "init_from", request->params[0], "data");
	const char *text = request->body_length > 0 ? (const char *)request->body : "";
	char *whole = NULL;
	int rc = spec_load(text, request->body_length, &body, error);
	if (rc == 0)
		rc = take_members(body, spec, error);
	if (rc == 0 && (whole = json_text(spec)) == NULL)
		error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	json_decref(spec);
	json_decref(body);
	return whole;
}

void experiments_predict_dataset(void *context, struct http_request *request, struct http_reply *reply)
{
	struct qlstm_error error = {0};
	if (!content_type_or_reply(request, reply, experiments_types))
		return;
	char *text = whole_request(request, &error);
	if (text == NULL)
		reply_problem(request, reply, &error);
	else
		experiments_submit(context, request, reply, text, strlen(text));
	free(text);
}
