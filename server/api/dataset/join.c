/* POST /datasets/NAME/join: a new data set, this one's columns beside those of another, such as inputs and targets. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/join.h"
#include "schema/place/place.h"
#include "schema/spec.h"
#include "server/api/dataset/table_csv.h"
#include "server/api/datasets.h"
#include "server/api/handlers.h"
#include "server/api/request.h"
#include "server/http/reply.h"

static const char *const types[] = {"application/json", "application/x-www-form-urlencoded", NULL};
static const char *const members[] = {"dataset", "name", "by", "suffix"};
static const char *const bys[] = {[JOIN_ROW] = "row", [JOIN_DATE] = "date"};

/* What is asked for; texts are the body's. */
struct joining {
	const char *dataset, *name;
	struct join how;
};

static int read_member(const json_t *body, const char *member, const char **out, struct qlstm_error *error)
{
	const json_t *value = json_object_get(body, member);
	char pointer[PLACE_POINTER_SIZE] = "";
	place_add_token(pointer, sizeof pointer, member);
	if (value != NULL && !json_is_string(value))
		return error_set(error, ERR_WRONG_TYPE, pointer, "%s is %s; a text is expected", member,
		                 place_type(value));
	if (value == NULL && *out == NULL)
		return error_set(error, ERR_MISSING, pointer, "'%s' is missing", member);
	*out = value != NULL ? json_string_value(value) : *out;
	return 0;
}

static int refuse_members(const json_t *body, struct qlstm_error *error)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)body, name, value)
	{
		size_t k = 0;
		char pointer[PLACE_POINTER_SIZE] = "";
		while (k < sizeof members / sizeof *members && strcmp(members[k], name) != 0)
			k++;
		place_add_token(pointer, sizeof pointer, name);
		if (k == sizeof members / sizeof *members)
			return error_set(error, ERR_UNKNOWN_FIELD, pointer,
			                 "unknown field '%.60s'; known are dataset, name, by and suffix", name);
	}
	return 0;
}

static int read_by(const char *by, enum join_by *out, struct qlstm_error *error)
{
	for (size_t k = 0; k < sizeof bys / sizeof *bys; k++)
		if (strcmp(bys[k], by) == 0) {
			*out = (enum join_by)k;
			return 0;
		}
	return error_set(error, ERR_INVALID, "/by", "by is '%.40s'; allowed are row and date", by);
}

static int read_body(const json_t *body, struct joining *out, struct qlstm_error *error)
{
	const char *by = NULL;
	*out = (struct joining){.how.suffix = ""};
	int rc = json_is_object(body)
	             ? refuse_members(body, error)
	             : error_set(error, ERR_WRONG_TYPE, "", "an object with dataset, name and by is expected");
	if (rc == 0)
		rc = read_member(body, "dataset", &out->dataset, error);
	if (rc == 0)
		rc = read_member(body, "name", &out->name, error);
	if (rc == 0)
		rc = read_member(body, "by", &by, error);
	if (rc == 0)
		rc = read_member(body, "suffix", &out->how.suffix, error);
	if (rc == 0 && by != NULL)
		rc = read_by(by, &out->how.by, error);
	if (rc == 0 && (rc = catalog_name_check(out->name, error)) != 0)
		error_prefix(error, "/name");
	return rc;
}

static int read_table(struct api *api, const struct viewer *viewer, const char *name, struct table *table,
                      struct qlstm_error *error)
{
	struct catalog_entry entry = {0};
	int rc = catalog_find(api, viewer, name, &entry, error);
	if (rc == 0)
		rc = table_csv_read(api, &entry, table, error);
	catalog_entry_free(&entry);
	return rc;
}

/* The joined rows as CSV; *out (malloc) is the caller's. */
static int join(struct api *api, const struct http_request *request, const struct joining *joining, char **out,
                size_t *length, struct qlstm_error *error)
{
	const struct viewer *viewer = &request->principal->viewer;
	struct table table = {0}, other = {0};
	struct text text = {0};
	int rc = read_table(api, viewer, request->params[0], &table, error);
	if (rc == 0 && (rc = read_table(api, viewer, joining->dataset, &other, error)) != 0)
		error_prefix(error, "/dataset");
	if (rc == 0)
		rc = join_append(&table, &other, &joining->how, error);
	if (rc == 0)
		table_csv_write(&table, &text);
	if (rc == 0 && text_take(&text, out, length) != 0)
		rc = error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the joined rows");
	table_free(&other);
	table_free(&table);
	return rc;
}

/* Whether the one in the path is there: what a caller does not see is a 404 whatever the body says. */
static int look_for(struct api *api, const struct http_request *request, struct qlstm_error *error)
{
	struct catalog_entry entry = {0};
	int rc = catalog_find(api, &request->principal->viewer, request->params[0], &entry, error);
	catalog_entry_free(&entry);
	return rc;
}

/* What is wrong with the two, or too large to be held beside one another, is a 422; only the path's own name is a 404.
 */
static void reply_refused(const struct http_request *request, struct http_reply *reply, const struct qlstm_error *error)
{
	bool of_body = error->code == ERR_NOT_FOUND && error->pointer[0] != '\0';
	if (of_body || error->code == ERR_TOO_LARGE || error->code == ERR_CONFLICT)
		reply_problem_as(request, reply, 422, error);
	else
		reply_problem(request, reply, error);
}

void datasets_join(void *context, struct http_request *request, struct http_reply *reply)
{
	struct qlstm_error error = {0};
	struct joining joining;
	json_t *body = NULL;
	char *text = NULL;
	size_t length = 0;
	if (!content_type_or_reply(request, reply, types))
		return;
	const char *said = request->body_length > 0 ? (const char *)request->body : "";
	int rc = look_for(context, request, &error);
	if (rc == 0)
		rc = spec_load(said, request->body_length, &body, &error);
	if (rc == 0)
		rc = read_body(body, &joining, &error);
	if (rc == 0)
		rc = join(context, request, &joining, &text, &length, &error);
	/* As table_csv_write writes it. */
	const struct csv_options csv = {.said = CSV_SAYS_SEPARATOR | CSV_SAYS_DECIMAL | CSV_SAYS_THOUSANDS |
	                                        CSV_SAYS_HEADER | CSV_SAYS_COMMENT | CSV_SAYS_ENCODING,
	                                .dialect = {.separator = ',', .decimal = '.', .header_lines = 1}};
	if (rc == 0)
		datasets_store(context, request, reply,
		               &(struct upload){.bytes = (const unsigned char *)text,
		                                .length = length,
		                                .type = "text/csv",
		                                .name = joining.name,
		                                .principal = request->principal,
		                                .csv = csv});
	else
		reply_refused(request, reply, &error);
	free(text);
	json_decref(body);
}
