/* The body of a search. */
#include "server/api/mlflow/search.h"

#include <stdio.h>
#include <string.h>

#include "schema/spec.h"

/* 0, or what is wrong with the member; absent ones, and null, are as they should be. */
static int check_type(const json_t *body, const char *name, bool (*fits)(const json_t *), const char *expected,
                      struct qlstm_error *error)
{
	const json_t *value = json_object_get(body, name);
	char pointer[64] = "/";
	if (value == NULL || json_is_null(value) || fits(value))
		return 0;
	strncat(pointer, name, sizeof pointer - 2);
	return error_set(error, ERR_WRONG_TYPE, pointer, "%s is no %s", name, expected);
}

static bool is_text(const json_t *value)
{
	return json_is_string(value);
}

static bool is_integer(const json_t *value)
{
	return json_is_integer(value);
}

static bool is_texts(const json_t *value)
{
	const json_t *item;
	size_t i;
	if (!json_is_array(value))
		return false;
	json_array_foreach(value, i, item)
	{
		if (!json_is_string(item))
			return false;
	}
	return true;
}

static int check_types(const json_t *body, struct qlstm_error *error)
{
	static const char *const texts[] = {"filter", "page_token", "run_view_type", "view_type"};
	if (!json_is_object(body))
		return error_set(error, ERR_WRONG_TYPE, NULL, "the body is no object");
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < sizeof texts / sizeof *texts; i++)
		rc = check_type(body, texts[i], is_text, "text", error);
	if (rc == 0)
		rc = check_type(body, "max_results", is_integer, "integer", error);
	if (rc == 0)
		rc = check_type(body, "experiment_ids", is_texts, "list of texts", error);
	return rc == 0 ? check_type(body, "order_by", is_texts, "list of texts", error) : rc;
}

static int read_order(struct mlflow_search *search, struct qlstm_error *error)
{
	const json_t *item;
	size_t i;
	json_array_foreach(json_object_get(search->body, "order_by"), i, item)
	{
		if (i == MLFLOW_MAX_ORDER)
			return error_set(error, ERR_OUT_OF_RANGE, "/order_by", "order_by has more than %d items",
			                 MLFLOW_MAX_ORDER);
		int rc = mlflow_order_parse(json_string_value(item), &search->order[search->n_order++], error);
		if (rc != 0) {
			snprintf(error->pointer, sizeof error->pointer, "/order_by");
			return rc;
		}
	}
	return 0;
}

static int read_search(struct mlflow_search *out, const char *view, struct qlstm_error *error)
{
	enum { MOST = 50000 };
	int rc = check_types(out->body, error);
	if (rc != 0)
		return rc;
	const json_t *most = json_object_get(out->body, "max_results");
	json_int_t max = json_is_integer(most) ? json_integer_value(most) : MLFLOW_MAX_PAGE;
	if (max < 1 || max > MOST)
		return error_set(error, ERR_OUT_OF_RANGE, "/max_results", "max_results is %lld; allowed are 1 to %d",
		                 (long long)max, MOST);
	out->max = max < MLFLOW_MAX_PAGE ? (int)max : MLFLOW_MAX_PAGE;
	const char *shown = json_string_value(json_object_get(out->body, view));
	out->active = shown == NULL || strcmp(shown, "DELETED_ONLY") != 0;
	out->token = json_string_value(json_object_get(out->body, "page_token"));
	if (out->token != NULL && out->token[0] == '\0')
		out->token = NULL;
	out->experiment_ids = json_object_get(out->body, "experiment_ids");
	rc = mlflow_filter_parse(json_string_value(json_object_get(out->body, "filter")), &out->filter, error);
	if (rc != 0)
		snprintf(error->pointer, sizeof error->pointer, "/filter");
	return rc == 0 ? read_order(out, error) : rc;
}

bool mlflow_search_or_reply(const struct http_request *request, struct http_reply *reply, const char *view,
                            struct mlflow_search *out)
{
	struct qlstm_error error = {0};
	const char *text = request->body_length > 0 ? (const char *)request->body : "{}";
	*out = (struct mlflow_search){0};
	int rc = spec_load(text, request->body_length > 0 ? request->body_length : 2, &out->body, &error);
	if (rc == 0)
		rc = read_search(out, view, &error);
	if (rc == 0)
		return true;
	reply_problem(request, reply, &error);
	return false;
}

void mlflow_search_free(struct mlflow_search *search)
{
	mlflow_filter_free(&search->filter);
	json_decref(search->body);
}
