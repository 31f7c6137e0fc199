/* POST /experiments/ID/fork: another experiment, from the weights that this one left, with changes to its spec. */
#include <stdlib.h>
#include <string.h>

#include "schema/spec.h"
#include "server/api/prediction/prediction.h"
#include "server/api/experiments.h"
#include "server/api/handlers.h"
#include "server/api/request.h"
#include "server/api/resource.h"
#include "server/common/json_text.h"
#include "server/store/artifacts.h"

/* Whom an experiment goes on from. */
struct parent {
	const char *id;
	struct experiment_row row;
	bool has_state; /* of its optimiser; who was stopped in the middle of an epoch has none */
};

static int look_for_state(struct db *db, void *argument, struct qlstm_error *error)
{
	struct artifact_row unused;
	const struct parent *parent = argument;
	return artifact_get(db, parent->id, "state", &unused, error);
}

/* As RFC 7396 says: objects member by member, null takes a member away, all else stands in its place. */
static int merge(json_t *target, const json_t *patch)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)patch, name, value)
	{
		json_t *old = json_object_get(target, name);
		int rc = 0;
		if (json_is_null(value))
			json_object_del(target, name);
		else if (json_is_object(value) && json_is_object(old))
			rc = merge(old, value);
		else
			rc = json_object_set_new(target, name, json_deep_copy(value));
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* The long form has all fields: what is not there cannot be changed. */
static int check_changes(const json_t *changes, const json_t *spec, struct qlstm_error *error)
{
	const char *name;
	json_t *value;
	if (!json_is_object(changes))
		return error_set(error, ERR_WRONG_TYPE, "", "the body is no object: changes to the spec are expected");
	json_object_foreach((json_t *)changes, name, value)
	{
		if (json_object_get(spec, name) == NULL)
			return error_set(error, ERR_UNKNOWN_FIELD, NULL,
			                 "'%.60s' is no part of the spec; changes are written in its long form, as in "
			                 "{\"training\": {\"epochs\": 50}}",
			                 name);
	}
	return 0;
}

static json_t *optimizer_of(const json_t *spec)
{
	return json_object_get(json_object_get(spec, "training"), "optimizer");
}

/* What the optimiser remembered is gone on with where that can be: the model and the type of the optimiser are the
 * same, the results are those of the last epoch, and nobody said otherwise. */
static int choose_resume(const struct parent *parent, const json_t *old, json_t *spec, const json_t *changes)
{
	json_t *optimizer = optimizer_of(spec), *type = json_object_get(optimizer, "type");
	const char *keep = json_string_value(json_object_get(json_object_get(old, "training"), "keep"));
	bool fits = parent->has_state && keep != NULL && strcmp(keep, "last") == 0 &&
	            json_object_get(changes, "init_from") == NULL &&
	            json_equal(json_object_get(old, "model"), json_object_get(spec, "model")) &&
	            json_equal(json_object_get(optimizer_of(old), "type"), type);
	if (!json_is_object(optimizer) || json_object_get(optimizer_of(changes), "resume") != NULL)
		return 0;
	return json_object_set_new(optimizer, "resume", json_boolean(fits));
}

/* The text of the new spec; malloc, NULL after an error. */
static char *changed_spec(const struct parent *parent, const char *text, size_t length, struct qlstm_error *error)
{
	const struct experiment_row *row = &parent->row;
	json_t *old = json_loads(row->spec_json, 0, NULL), *spec = json_deep_copy(old), *changes = NULL;
	char *changed = NULL;
	int rc = spec != NULL ? 0 : error_set(error, ERR_CORRUPT, NULL, "the spec of the experiment cannot be read");
	if (rc == 0 && prediction_is(spec))
		rc = error_set(error, ERR_CONFLICT, NULL, "a prediction has no weights of its own to go on from");
	if (rc == 0)
		rc = spec_load(length > 0 ? text : "{}", length > 0 ? length : 2, &changes, error);
	if (rc == 0)
		rc = json_object_set_new(spec, "init_from", json_string(row->id));
	if (rc == 0)
		rc = check_changes(changes, spec, error);
	if (rc == 0)
		rc = merge(spec, changes);
	if (rc == 0)
		rc = choose_resume(parent, old, spec, changes);
	if (rc == 0)
		changed = json_text(spec);
	if (changed == NULL)
		error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	json_decref(changes);
	json_decref(spec);
	json_decref(old);
	return changed;
}

void experiments_fork(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	struct qlstm_error error = {0};
	struct parent parent = {.id = request->params[0]};
	if (!content_type_or_reply(request, reply, experiments_types) ||
	    !resource_read_or_reply(api, request, reply, parent.id, &parent.row))
		return;
	parent.has_state =
	    strcmp(parent.row.status, "succeeded") == 0 && store_read(api->store, look_for_state, &parent, NULL) == 0;
	char *text = changed_spec(&parent, (const char *)request->body, request->body_length, &error);
	experiment_row_free(&parent.row);
	if (text == NULL)
		reply_problem(request, reply, &error);
	else
		experiments_submit(api, request, reply, text, strlen(text));
	free(text);
}
