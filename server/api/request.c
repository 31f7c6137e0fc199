/* Query parameters and content types. */
#include "server/api/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool refuse(const struct http_request *request, struct http_reply *reply, const struct qlstm_error *error)
{
	reply_problem_as(request, reply, 400, error);
	return false;
}

bool query_int_or_reply(const struct http_request *request, struct http_reply *reply, const char *name, int minimum,
                        int maximum, int *value)
{
	const char *text = http_query(request, name);
	if (text == NULL)
		return true;
	struct qlstm_error error = {0};
	size_t sign = *text == '-' ? 1 : 0, digits = strspn(text + sign, "0123456789");
	long number = strtol(text, NULL, 10);
	if (digits == 0 || text[sign + digits] != '\0')
		error_set(&error, ERR_WRONG_TYPE, NULL, "%s is '%.60s'; an integer is expected", name, text);
	else if (number < minimum || number > maximum)
		error_set(&error, ERR_OUT_OF_RANGE, NULL, "%s is %.60s; allowed are %d to %d", name, text, minimum,
		          maximum);
	if (error.code != 0)
		return refuse(request, reply, &error);
	*value = (int)number;
	return true;
}

bool query_choice_or_reply(const struct http_request *request, struct http_reply *reply, const char *name,
                           const char *const *choices, int *value)
{
	const char *text = http_query(request, name);
	if (text == NULL)
		return true;
	struct qlstm_error error = {0};
	char list[256] = "";
	size_t used = 0;
	int count = 0;
	for (; choices[count] != NULL; count++) {
		if (strcmp(choices[count], text) == 0) {
			*value = count;
			return true;
		}
		int length = snprintf(list + used, sizeof list - used, "%s%s", count > 0 ? ", " : "", choices[count]);
		used += length > 0 && (size_t)length < sizeof list - used ? (size_t)length : 0;
	}
	const char *nearest = error_nearest(text, choices, (size_t)count);
	if (nearest != NULL)
		error_set(&error, ERR_INVALID, NULL, "%s is '%.60s'; did you mean '%s'? Allowed are %s", name, text,
		          nearest, list);
	else
		error_set(&error, ERR_INVALID, NULL, "%s is '%.60s'; allowed are %s", name, text, list);
	return refuse(request, reply, &error);
}

bool query_bool_or_reply(const struct http_request *request, struct http_reply *reply, const char *name, bool *value)
{
	static const char *const choices[] = {"false", "true", NULL};
	int choice = *value;
	if (!query_choice_or_reply(request, reply, name, choices, &choice))
		return false;
	*value = choice == 1;
	return true;
}

/* The length of a media type without its parameters. */
static size_t type_length(const char *type)
{
	return strcspn(type, "; \t,");
}

bool content_type_or_reply(const struct http_request *request, struct http_reply *reply, const char *const *accepted)
{
	const char *type = http_body_type(request);
	if (type == NULL || *type == '\0')
		return true;
	size_t length = type_length(type);
	for (int i = 0; accepted[i] != NULL; i++)
		if (strlen(accepted[i]) == length && strncasecmp(accepted[i], type, length) == 0)
			return true;
	char others[400] = "";
	for (int i = 1; accepted[i] != NULL; i++) {
		size_t used = strlen(others);
		snprintf(others + used, sizeof others - used, "%s%s", i > 1 ? ", " : "; also ", accepted[i]);
	}
	struct qlstm_error error = {0};
	error_set(&error, ERR_WRONG_TYPE, NULL, "the Content-Type is '%.80s'; %s is expected%s", type, accepted[0],
	          others);
	reply_problem_as(request, reply, 415, &error);
	return false;
}

/* "text/csv;q=0" is what the client does not want; `parameters` ends at the next comma. */
static bool is_ruled_out(const char *parameters)
{
	size_t length = strcspn(parameters, ",");
	for (const char *at = parameters; (at = memchr(at, ';', length - (size_t)(at - parameters))) != NULL;) {
		at += 1 + strspn(at + 1, " \t");
		if (strncasecmp(at, "q=", 2) == 0)
			return strtod(at + 2, NULL) <= 0;
	}
	return false;
}

bool accepts(const struct http_request *request, const char *type)
{
	const char *list = http_header(request, "Accept");
	while (list != NULL && *list != '\0') {
		list += strspn(list, ", \t");
		size_t length = type_length(list);
		if (length == strlen(type) && strncasecmp(list, type, length) == 0 && !is_ruled_out(list + length))
			return true;
		list += strcspn(list, ",");
	}
	return false;
}

int csv_query(const struct http_request *request, struct csv_options *out, struct qlstm_error *error)
{
	const char *name;
	bool asked;
	*out = (struct csv_options){0};
	for (int i = 0; (name = csv_property_name(i, &asked)) != NULL; i++) {
		const char *text = asked ? http_query(request, name) : NULL;
		int rc = text != NULL ? csv_say(out, name, text, error) : 0;
		if (rc != 0)
			return rc;
	}
	return 0;
}
