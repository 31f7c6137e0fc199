/* / and /assets/: the dashboard; /session: a browser's key, which it keeps in a cookie (access/cookie.h). */
#include <stdio.h>

#include "server/access/cookie.h"
#include "server/api/handlers.h"
#include "server/api/request.h"
#include "server/web/assets.h"

void session_page(void *context, struct http_request *request, struct http_reply *reply)
{
	web_page(context, request, reply);
}

void session_asset(void *context, struct http_request *request, struct http_reply *reply)
{
	if (!web_file(request, reply))
		contract_nothing_here(context, request, reply);
}

static json_t *session_json(const struct principal *principal)
{
	enum scope scope = SCOPE_READ;
	for (int i = SCOPE_READ; i < SCOPE_COUNT; i++)
		if (principal_may(principal, (enum scope)i))
			scope = (enum scope)i;
	const char *owner = principal->viewer.owner;
	return json_pack("{ss, ss?, ss}", "name", principal->name, "owner", owner[0] != '\0' ? owner : NULL, "scope",
	                 scope_name(scope));
}

void session_get(void *context, struct http_request *request, struct http_reply *reply)
{
	(void)context;
	reply_json(reply, 200, session_json(request->principal));
}

/* The key in the body; owned by *body. */
static const char *read_key(const struct http_request *request, json_t **body, struct qlstm_error *error)
{
	json_error_t where;
	*body = json_loadb((const char *)request->body, request->body_length, JSON_REJECT_DUPLICATES, &where);
	const json_t *key = json_object_get(*body, "key");
	if (*body == NULL)
		error_set(error, ERR_SYNTAX, NULL, "the body is no JSON: %s", where.text);
	else if (key == NULL)
		error_set(error, ERR_MISSING, "/key", "key is missing: {\"key\": \"qlstmd_...\"}");
	else if (!json_is_string(key))
		error_set(error, ERR_WRONG_TYPE, "/key", "key is no text");
	else if (json_object_size(*body) > 1)
		error_set(error, ERR_UNKNOWN_FIELD, NULL, "the body holds more than the key");
	return error->code == 0 ? json_string_value(key) : NULL;
}

static void begin(struct api *api, struct http_request *request, struct http_reply *reply, const char *key)
{
	struct qlstm_error error = {0};
	struct caller caller = {0};
	char authorization[COOKIE_AUTHORIZATION_SIZE], cookie[COOKIE_SIZE];
	int length = snprintf(authorization, sizeof authorization, "Bearer %s", key);
	const char *refusal = (size_t)length < sizeof authorization ? keeper_admit(api->keeper, authorization, &caller)
	                                                            : "this is longer than a key";
	if (refusal == keeper_cannot_look) {
		error_set(&error, ERR_UNAVAILABLE, NULL, "%s", refusal);
		reply_problem(request, reply, &error);
	} else if (refusal != NULL) {
		error_set(&error, ERR_CONFLICT, "/key", "%s", refusal);
		reply_problem_as(request, reply, 401, &error);
		reply_header(reply, "WWW-Authenticate", "Bearer realm=\"qlstmd\", error=\"invalid_token\"");
	} else {
		cookie_set(request, key, cookie);
		reply_json(reply, 200, session_json(&caller.principal));
		reply_header(reply, "Set-Cookie", "%s", cookie);
	}
}

void session_post(void *context, struct http_request *request, struct http_reply *reply)
{
	static const char *const json[] = {"application/json", NULL};
	struct qlstm_error error = {0};
	json_t *body = NULL;
	if (!content_type_or_reply(request, reply, json))
		return;
	const char *key = read_key(request, &body, &error);
	if (key != NULL)
		begin(context, request, reply, key);
	else
		reply_problem(request, reply, &error);
	json_decref(body);
}

void session_delete(void *context, struct http_request *request, struct http_reply *reply)
{
	char cookie[COOKIE_SIZE];
	(void)context;
	cookie_set(request, NULL, cookie);
	reply_empty(reply, 204);
	reply_header(reply, "Set-Cookie", "%s", cookie);
}
