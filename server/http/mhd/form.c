/* Forms, by the post processor of libmicrohttpd. */
#include "server/http/mhd/form.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/error.h"

#define BOUNDARY_MOST 70 /* RFC 2046 */

static const char multipart[] = "multipart/form-data";

struct form {
	struct MHD_PostProcessor *processor;
	struct body *body;
	struct body_budget *budget;
	struct http_form content;
	char *names[TARGET_MAX_PARAMETERS], *values[TARGET_MAX_PARAMETERS], *type;
	bool has_file;
	int code; /* the first fault */
	const char *fault;
};

static const char *content_type(struct MHD_Connection *connection)
{
	const char *type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Type");
	return type != NULL ? type : "";
}

bool form_announced(struct MHD_Connection *connection)
{
	const char *type = content_type(connection);
	size_t length = sizeof multipart - 1;
	return strncasecmp(type, multipart, length) == 0 && strchr("; \t", type[length]) != NULL;
}

static bool has_boundary(const char *type)
{
	const char *at = strstr(type, "boundary=");
	if (at == NULL)
		return false;
	at += strlen("boundary=");
	at += *at == '"' ? 1 : 0;
	size_t length = strcspn(at, "\";,");
	return length >= 2 && length <= BOUNDARY_MOST;
}

static enum MHD_Result refuse(struct form *form, int code, const char *fault)
{
	if (form->code == 0) {
		form->code = code;
		form->fault = fault;
	}
	return MHD_NO;
}

/* The file's bytes. A part may begin with a call without bytes; the next one then has offset 0 too. */
static enum MHD_Result take_file(struct form *form, const char *type, uint64_t offset, const char *bytes, size_t count)
{
	if (offset == 0 && body_length(form->body) > 0)
		return refuse(form, ERR_SYNTAX, "the form holds more than one file");
	if (!form->has_file) {
		form->has_file = true;
		form->type = type != NULL ? strdup(type) : NULL;
		form->content.file_type = form->type;
	}
	int rc = count > 0 ? body_append(form->body, form->budget, bytes, count) : 0;
	return rc == 0 ? MHD_YES : refuse(form, rc, NULL);
}

static bool is_text(const char *bytes, size_t count)
{
	return memchr(bytes, '\0', count) == NULL;
}

/* Whether this is the field that was begun last, as yet without a byte. */
static bool goes_on(const struct form *form, const char *name)
{
	int k = form->content.n_fields - 1;
	return k >= 0 && strcmp(form->content.fields[k].name, name) == 0 && form->content.fields[k].value[0] == '\0';
}

/* A field comes in one piece or more, those of one field one behind the other. */
static enum MHD_Result take_field(struct form *form, const char *name, uint64_t offset, const char *bytes, size_t count)
{
	struct http_form *content = &form->content;
	if (offset == 0 && !goes_on(form, name)) {
		if (content->n_fields == TARGET_MAX_PARAMETERS)
			return refuse(form, ERR_SYNTAX, "the form holds too many fields");
		form->names[content->n_fields] = strdup(name);
		form->values[content->n_fields] = calloc(1, FORM_FIELD_BYTES + 1);
		content->n_fields++;
	}
	int k = content->n_fields - 1;
	if (k < 0 || form->names[k] == NULL || form->values[k] == NULL)
		return refuse(form, ERR_UNAVAILABLE, NULL);
	content->fields[k].name = form->names[k];
	content->fields[k].value = form->values[k];
	if (offset + count > FORM_FIELD_BYTES || !is_text(bytes, count))
		return refuse(form, ERR_SYNTAX, "a field of the form is no text of at most 4096 bytes");
	memcpy(form->values[k] + offset, bytes, count);
	return MHD_YES;
}

static enum MHD_Result take(void *context, enum MHD_ValueKind kind, const char *key, const char *filename,
                            const char *type, const char *coding, const char *bytes, uint64_t offset, size_t count)
{
	(void)kind;
	struct form *form = context;
	if (key == NULL)
		return refuse(form, ERR_SYNTAX, "a part of the form has no name");
	if (coding != NULL && strcasecmp(coding, "binary") != 0 && strcasecmp(coding, "8bit") != 0 &&
	    strcasecmp(coding, "7bit") != 0)
		return refuse(form, ERR_SYNTAX, "a part of the form has a Content-Transfer-Encoding; send bytes");
	return filename != NULL || strcmp(key, "file") == 0 ? take_file(form, type, offset, bytes, count)
	                                                    : take_field(form, key, offset, bytes, count);
}

struct form *form_new(struct MHD_Connection *connection, struct body *body, struct body_budget *budget)
{
	struct form *form = has_boundary(content_type(connection)) ? calloc(1, sizeof *form) : NULL;
	if (form == NULL)
		return NULL;
	form->body = body;
	form->budget = budget;
	form->processor = MHD_create_post_processor(connection, FORM_KEPT_BYTES, take, form);
	if (form->processor != NULL)
		return form;
	form_free(form);
	return NULL;
}

int form_append(struct form *form, const char *bytes, size_t count)
{
	if (form->code == 0 && MHD_post_process(form->processor, bytes, count) != MHD_YES)
		refuse(form, ERR_SYNTAX, "the form cannot be read as multipart/form-data");
	return form->code;
}

int form_finish(struct form *form)
{
	bool whole = MHD_destroy_post_processor(form->processor) == MHD_YES;
	form->processor = NULL;
	if (!whole)
		refuse(form, ERR_SYNTAX, "the form ends before its last boundary");
	else if (!form->has_file)
		refuse(form, ERR_SYNTAX, "the form holds no file: a part named 'file', or one with a file name");
	return form->code;
}

const char *form_fault(const struct form *form)
{
	return form->fault;
}

const struct http_form *form_content(const struct form *form)
{
	return &form->content;
}

void form_free(struct form *form)
{
	if (form == NULL)
		return;
	if (form->processor != NULL)
		MHD_destroy_post_processor(form->processor);
	for (int i = 0; i < TARGET_MAX_PARAMETERS; i++) {
		free(form->names[i]);
		free(form->values[i]);
	}
	free(form->type);
	free(form);
}
