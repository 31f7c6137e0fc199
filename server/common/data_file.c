/* Files with data. */
#include "server/common/data_file.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* They say nothing of the kind. The second is what curl --data-binary @FILE sends. */
static const char *const general_types[] = {"application/octet-stream", "application/x-www-form-urlencoded"};

enum { N_GENERAL = sizeof general_types / sizeof general_types[0] };

void data_file_types(const char *types[DATA_FILE_MAX_TYPES])
{
	int n = 0;
	const struct data_kind *kind;
	for (int i = 0; (kind = data_kind_at(i)) != NULL; i++)
		for (int k = 0; k < DATA_MAX_TYPES && kind->media_types[k] != NULL && n < DATA_FILE_MAX_TYPES - 1; k++)
			types[n++] = kind->media_types[k];
	for (int i = 0; i < N_GENERAL && n < DATA_FILE_MAX_TYPES - 1; i++)
		types[n++] = general_types[i];
	types[n] = NULL;
}

static bool is_type(const char *type, const char *known)
{
	size_t length = strcspn(type, "; \t,");
	return strlen(known) == length && strncasecmp(type, known, length) == 0;
}

struct data_file data_file_of_type(const char *type)
{
	const struct data_kind *kind;
	for (int i = 0; (kind = data_kind_at(i)) != NULL; i++)
		for (int k = 0; k < DATA_MAX_TYPES && kind->media_types[k] != NULL; k++)
			if (is_type(type, kind->media_types[k]))
				return (struct data_file){.kind = kind};
	return (struct data_file){0};
}

static bool ends_with(const char *name, size_t length, const char *suffix)
{
	size_t end = strlen(suffix);
	return length > end && strncmp(name + length - end, suffix, end) == 0;
}

struct data_file data_file_of_name(const char *name)
{
	const struct data_kind *kind;
	size_t length = strlen(name);
	for (int i = 0; (kind = data_kind_at(i)) != NULL; i++)
		if (ends_with(name, length, kind->suffix))
			return (struct data_file){.kind = kind};
	return (struct data_file){0};
}

/* The kind of the bytes: as declared where they do not contradict, else by their beginning. */
static int find_kind(const unsigned char *bytes, size_t length, const struct data_kind *declared, const char *word,
                     const struct data_kind **kind, struct qlstm_error *error)
{
	const struct data_kind *seen = data_kind_sniff(bytes, length);
	if (seen == NULL && declared != NULL && declared->sniff != NULL)
		return error_set(error, ERR_WRONG_TYPE, NULL, "declared as %.80s, but the data do not begin as %s does",
		                 word, declared->title);
	if (seen != NULL && declared != NULL && seen != declared)
		return error_set(error, ERR_WRONG_TYPE, NULL, "declared as %.80s, but the data begin as %s does (%s)",
		                 word, seen->title, seen->media_types[0]);
	*kind = seen != NULL ? seen : declared != NULL ? declared : data_kind_plain();
	return 0;
}

int data_file_read(const unsigned char *bytes, size_t length, const struct data_file *declared, const char *word,
                   bool values, struct data_file *found, struct table *table, struct qlstm_error *error)
{
	*found = (struct data_file){0};
	int rc = find_kind(bytes, length, declared->kind, word, &found->kind, error);
	return rc == 0 ? found->kind->parse(bytes, length, values, table, error) : rc;
}

static json_t *fact_json(const struct data_fact *fact)
{
	if (fact->type == FACT_FLAG)
		return json_boolean(fact->flag);
	if (fact->type == FACT_TEXT)
		return json_string(fact->text);
	json_t *sizes = json_array();
	for (int i = 0; i < fact->n_sizes; i++)
		json_array_append_new(sizes, json_integer((json_int_t)fact->sizes[i]));
	if (sizes != NULL && json_array_size(sizes) == (size_t)fact->n_sizes)
		return sizes;
	json_decref(sizes);
	return NULL;
}

json_t *data_file_json(const struct data_file *file, const struct table *table)
{
	struct data_fact facts[DATA_MAX_FACTS];
	int n = file->kind->describe(table, facts);
	json_t *json = json_object();
	for (int i = 0; json != NULL && i < n; i++) {
		if (json_object_set_new(json, facts[i].name, fact_json(&facts[i])) == 0)
			continue;
		json_decref(json);
		return NULL;
	}
	return json;
}

void data_file_name(const struct data_file *file, const char *sha256, char out[DATA_FILE_NAME_SIZE])
{
	snprintf(out, DATA_FILE_NAME_SIZE, "%s%s", sha256, file->kind->suffix);
}

const char *data_file_type(const char *name)
{
	const struct data_file file = data_file_of_name(name);
	return file.kind != NULL ? file.kind->media_types[0] : general_types[0];
}
