/* /keys: who may do what, for those who run the service. `qlstmd key` does the same on the data folder. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/handlers.h"
#include "server/api/request.h"
#include "server/common/clock.h"

#define MAX_SECONDS 315360000.0 /* ten years */

void keys_list(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	(void)request;
	reply_json(reply, 200, json_pack("{so}", "keys", keeper_list(api->keeper)));
}

/* Where no key is asked for, whoever reaches the port would else make one that outlives that. */
static bool by_key_or_reply(const struct http_request *request, struct http_reply *reply)
{
	struct qlstm_error error = {0};
	if (request->principal->viewer.owner[0] != '\0')
		return true;
	error_set(&error, ERR_CONFLICT, NULL,
	          "keys are changed by an admin's key, or on the service's machine by qlstmd key");
	reply_problem_as(request, reply, 403, &error);
	return false;
}

static int read_word(const json_t *body, const char *name, const char *fallback, char *out, size_t size,
                     struct qlstm_error *error)
{
	const json_t *value = json_object_get(body, name);
	const char *text = value != NULL ? json_string_value(value) : fallback;
	char pointer[32];
	snprintf(pointer, sizeof pointer, "/%s", name);
	if (value == NULL && fallback == NULL)
		return error_set(error, ERR_MISSING, pointer, "%s is missing", name);
	if (text == NULL)
		return error_set(error, ERR_WRONG_TYPE, pointer, "%s is no text", name);
	if ((size_t)snprintf(out, size, "%s", text) >= size)
		return error_set(error, ERR_INVALID, pointer, "%s is longer than %zu bytes", name, size - 1);
	return 0;
}

static int read_expiry(const json_t *body, int64_t *out, struct qlstm_error *error)
{
	const json_t *value = json_object_get(body, "expires_in_seconds");
	double seconds = json_number_value(value);
	if (value == NULL || json_is_null(value))
		return 0;
	if (!json_is_number(value))
		return error_set(error, ERR_WRONG_TYPE, "/expires_in_seconds", "expires_in_seconds is no number");
	if (!(seconds >= 1 && seconds <= MAX_SECONDS))
		return error_set(error, ERR_OUT_OF_RANGE, "/expires_in_seconds",
		                 "expires_in_seconds is %g; allowed are 1 to %g", seconds, MAX_SECONDS);
	*out = clock_now_ms() + (int64_t)(seconds * 1000);
	return 0;
}

/* A number of at least 0, null for no limit. */
static int read_limit(const json_t *body, const char *name, double most, double *out, struct qlstm_error *error)
{
	const json_t *value = json_object_get(body, name);
	char pointer[32];
	snprintf(pointer, sizeof pointer, "/%s", name);
	*out = 0;
	if (value == NULL || json_is_null(value))
		return 0;
	if (!json_is_number(value))
		return error_set(error, ERR_WRONG_TYPE, pointer, "%s is no number", name);
	*out = json_number_value(value);
	if (*out > 0 && *out <= most)
		return 0;
	return error_set(error, ERR_OUT_OF_RANGE, pointer, "%s is %g; allowed is more than 0, up to %g", name, *out,
	                 most);
}

static int read_limits(const json_t *body, struct key *key, struct qlstm_error *error)
{
	double queued = 0, running = 0, bytes = 0;
	int rc = read_limit(body, "max_queued", 1e9, &queued, error);
	if (rc == 0)
		rc = read_limit(body, "max_running", 1e9, &running, error);
	if (rc == 0)
		rc = read_limit(body, "max_bytes", 1e15, &bytes, error);
	if (rc == 0)
		rc = read_limit(body, "rate", KEY_MAX_RATE, &key->rate, error);
	key->quota = (struct quota){(int64_t)ceil(queued), (int64_t)ceil(running), (int64_t)ceil(bytes)};
	return rc;
}

static int check_members(const json_t *body, struct qlstm_error *error)
{
	static const char *const known[] = {"name",       "owner",       "scope",     "expires_in_seconds",
	                                    "max_queued", "max_running", "max_bytes", "rate"};
	const json_t *value;
	const char *name;
	json_object_foreach((json_t *)body, name, value)
	{
		size_t i = 0;
		while (i < sizeof known / sizeof *known && strcmp(known[i], name) != 0)
			i++;
		if (i == sizeof known / sizeof *known)
			return error_set(error, ERR_UNKNOWN_FIELD, NULL, "unknown field '%.60s'", name);
	}
	return 0;
}

static int read_key(const struct http_request *request, struct key *key, struct qlstm_error *error)
{
	char scope[16];
	json_error_t where;
	json_t *body = json_loadb((const char *)request->body, request->body_length, JSON_REJECT_DUPLICATES, &where);
	*key = (struct key){0};
	int rc = 0;
	if (body == NULL)
		return error_set(error, ERR_SYNTAX, NULL, "the body is no JSON: %s", where.text);
	if (!json_is_object(body))
		rc = error_set(error, ERR_WRONG_TYPE, NULL, "the body is no object");
	if (rc == 0)
		rc = check_members(body, error);
	if (rc == 0)
		rc = read_word(body, "name", NULL, key->name, sizeof key->name, error);
	if (rc == 0)
		rc = read_word(body, "owner", key->name, key->owner, sizeof key->owner, error);
	if (rc == 0)
		rc = read_word(body, "scope", "submit", scope, sizeof scope, error);
	if (rc == 0)
		rc = read_expiry(body, &key->expires_at, error);
	if (rc == 0)
		rc = read_limits(body, key, error);
	if (rc == 0)
		key->scope = scope_from_name(scope);
	json_decref(body);
	return rc;
}

/* The key with its text, which is shown here and never again. */
static void reply_made(struct http_reply *reply, int status, const struct key *key, const char *text)
{
	json_t *json = key_json(key, 0);
	json_object_set_new(json, "key", json_string(text));
	reply_json(reply, status, json);
}

void keys_post(void *context, struct http_request *request, struct http_reply *reply)
{
	static const char *const types[] = {"application/json", "application/x-www-form-urlencoded", NULL};
	struct api *api = context;
	struct qlstm_error error = {0};
	struct key key;
	char text[KEY_TEXT_SIZE];
	if (!by_key_or_reply(request, reply) || !content_type_or_reply(request, reply, types))
		return;
	if (read_key(request, &key, &error) != 0 || keyring_add(api->data_dir, &key, text, &error) != 0)
		reply_problem(request, reply, &error);
	else
		reply_made(reply, 201, &key, text);
}

void keys_rotate(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	struct qlstm_error error = {0};
	struct key key;
	char text[KEY_TEXT_SIZE];
	if (!by_key_or_reply(request, reply))
		return;
	if (keyring_rotate(api->data_dir, request->params[0], &key, text, &error) != 0)
		reply_problem(request, reply, &error);
	else
		reply_made(reply, 200, &key, text);
}

void keys_revoke(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	struct qlstm_error error = {0};
	struct key key;
	if (!by_key_or_reply(request, reply))
		return;
	if (keyring_revoke(api->data_dir, request->params[0], &key, &error) != 0)
		reply_problem(request, reply, &error);
	else
		reply_json(reply, 200, key_json(&key, 0));
}
