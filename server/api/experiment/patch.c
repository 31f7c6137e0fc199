/* PATCH /experiments/ID: name, tags and notes, as a merge patch (RFC 7396) of these three. */
#include <stdlib.h>
#include <string.h>

#include "schema/spec.h"
#include "server/api/handlers.h"
#include "server/api/request.h"
#include "server/api/resource.h"
#include "server/common/json_text.h"

static const char *const types[] = {"application/merge-patch+json", "application/json",
                                    "application/x-www-form-urlencoded", NULL};
static const char *const members[] = {"name", "tags", "notes"};

enum { N_MEMBERS = sizeof members / sizeof members[0] };

static int check_members(const json_t *body, struct qlstm_error *error)
{
	const json_t *value;
	const char *name;
	if (!json_is_object(body))
		return error_set(error, ERR_WRONG_TYPE, "",
		                 "the body is no object: name, tags and notes can be changed");
	json_object_foreach((json_t *)body, name, value)
	{
		int i = 0;
		while (i < N_MEMBERS && strcmp(members[i], name) != 0)
			i++;
		if (i == N_MEMBERS)
			return error_set(error, ERR_UNKNOWN_FIELD, NULL,
			                 "'%.60s' cannot be changed; name, tags and notes can", name);
	}
	return 0;
}

/* null stands for the default, as in a merge patch. The rest is the schema's to judge: of an experiment that has these
 * members alone. *resolved is the caller's. */
static int check_values(const json_t *body, json_t **resolved, struct qlstm_error *error)
{
	json_t *request = json_object();
	if (request == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	for (int i = 0; i < N_MEMBERS; i++) {
		json_t *value = json_object_get(body, members[i]);
		if (value != NULL && !json_is_null(value))
			json_object_set(request, members[i], value);
	}
	int rc = spec_resolve(request, resolved, error);
	json_decref(request);
	return rc;
}

struct change {
	const char *id;
	struct experiment_labels labels;
};

static int write_change(struct db *db, void *argument, struct qlstm_error *error)
{
	const struct change *change = argument;
	return experiment_label(db, change->id, &change->labels, error);
}

/* The new text of a member that the body has, else NULL. */
static const char *text_of(const json_t *body, const json_t *resolved, const char *name)
{
	return json_object_get(body, name) != NULL ? json_string_value(json_object_get(resolved, name)) : NULL;
}

static int apply(struct api *api, const char *id, const json_t *body, struct qlstm_error *error)
{
	json_t *resolved = NULL;
	int rc = check_members(body, error);
	if (rc == 0)
		rc = check_values(body, &resolved, error);
	if (rc != 0)
		return rc;
	char *tags = json_object_get(body, "tags") != NULL ? json_text(json_object_get(resolved, "tags")) : NULL;
	struct change change = {id, {text_of(body, resolved, "name"), tags, text_of(body, resolved, "notes")}};
	if (tags == NULL && json_object_get(body, "tags") != NULL)
		rc = error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	else if (json_object_size(body) > 0)
		rc = store_write(api->store, write_change, &change, error);
	free(tags);
	json_decref(resolved);
	return rc;
}

void experiments_patch(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	struct qlstm_error error = {0};
	json_t *body = NULL;
	if (!content_type_or_reply(request, reply, types))
		return;
	const char *text = request->body_length > 0 ? (const char *)request->body : "";
	int rc = spec_load(text, request->body_length, &body, &error);
	if (rc == 0)
		rc = apply(api, request->params[0], body, &error);
	json_decref(body);
	if (rc != 0)
		reply_problem(request, reply, &error);
	else
		resource_reply(api, request, reply, 200, request->params[0]);
}
