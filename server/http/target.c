/* Request targets. */
#include "server/http/target.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/http/http.h"

static int hex_value(char digit)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = digit != '\0' ? strchr(digits, digit | 0x20) : NULL;
	return found != NULL ? (int)(found - digits) : -1;
}

/* In place: decoded text is never longer. `slash`, `plus`: whether %2F may stand there, and + is a blank. */
static const char *decode(char *text, bool slash, bool plus)
{
	char *out = text;
	for (const char *in = text; *in != '\0'; in++) {
		if (*in != '%') {
			*out++ = plus && *in == '+' ? ' ' : *in;
			continue;
		}
		int high = hex_value(in[1]), low = high >= 0 ? hex_value(in[2]) : -1;
		if (low < 0)
			return "a % in the target without two hexadecimal digits behind it";
		char byte = (char)(high * 16 + low);
		if (byte == '\0')
			return "an encoded NUL (%00) in the target";
		if (byte == '/' && !slash)
			return "an encoded slash (%2F) in the path";
		*out++ = byte;
		in += 2;
	}
	*out = '\0';
	return NULL;
}

/* Cuts `text` at the first of that character; what is behind it, or NULL. */
static char *cut(char *text, char at)
{
	char *found = strchr(text, at);
	if (found != NULL)
		*found++ = '\0';
	return found;
}

static const char *parse_parameters(struct target *target, char *query)
{
	for (char *next; query != NULL; query = next) {
		next = cut(query, '&');
		if (*query == '\0')
			continue;
		if (target->n_parameters == TARGET_MAX_PARAMETERS)
			return "too many query parameters";
		char *value = cut(query, '=');
		const char *fault = decode(query, true, true);
		if (fault == NULL && value != NULL)
			fault = decode(value, true, true);
		if (fault != NULL)
			return fault;
		target->parameters[target->n_parameters].name = query;
		target->parameters[target->n_parameters++].value = value != NULL ? value : "";
	}
	return NULL;
}

/* What is behind "http://authority" of an absolute target; `at` itself where there is none. */
static char *skip_authority(struct target *target, char *at)
{
	static const char *const schemes[] = {"http://", "https://"};
	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
		size_t length = strlen(schemes[i]);
		if (strncasecmp(at, schemes[i], length) != 0)
			continue;
		char *start = at + length - 1, *name = at + length;
		size_t name_length = strcspn(name, "/?");
		memmove(start, name, name_length); /* one to the left, so that there is room for its end */
		start[name_length] = '\0';
		target->authority = start;
		return name + name_length;
	}
	return at;
}

static bool has_only_allowed_bytes(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return false;
	return true;
}

const char *target_parse(struct target *target, const char *raw)
{
	static char root[] = "/";
	*target = (struct target){.text = strdup(raw), .path = root};
	if (target->text == NULL)
		return "no memory for the target";
	if (!has_only_allowed_bytes(raw))
		return "a blank or a control character in the target";
	char *at = skip_authority(target, target->text);
	char *query = cut(at, '?');
	if (target->authority != NULL && *at == '\0')
		at = root;
	if (*at != '/' && strcmp(at, "*") != 0)
		return "the target does not begin with a slash";
	const char *fault = at != root ? decode(at, false, false) : NULL;
	if (fault != NULL)
		return fault;
	target->path = at;
	return parse_parameters(target, query);
}

void target_free(struct target *target)
{
	free(target->text);
	*target = (struct target){0};
}

const char *http_query(const struct http_request *request, const char *name)
{
	const struct target *target = request->target;
	for (int i = 0; i < target->n_parameters; i++)
		if (strcmp(target->parameters[i].name, name) == 0)
			return target->parameters[i].value;
	for (int i = 0; request->form != NULL && i < request->form->n_fields; i++)
		if (strcmp(request->form->fields[i].name, name) == 0)
			return request->form->fields[i].value;
	return NULL;
}

void http_query_each(const struct http_request *request, void (*fn)(void *context, const char *name, const char *value),
                     void *context)
{
	const struct target *target = request->target;
	for (int i = 0; i < target->n_parameters; i++)
		fn(context, target->parameters[i].name, target->parameters[i].value);
	for (int i = 0; request->form != NULL && i < request->form->n_fields; i++)
		fn(context, request->form->fields[i].name, request->form->fields[i].value);
}

const char *http_body_type(const struct http_request *request)
{
	return request->form != NULL ? request->form->file_type : http_header(request, "Content-Type");
}
