/* Reads the header of a safetensors file: JSON of this one shape,
 *   {"__metadata__": {"key": "value", ...}, "name": {"dtype": "F64", "shape": [2, 3], "data_offsets": [0, 48]}, ...}
 * The nesting is fixed, so nothing recurses. */
#include "engine/export/safetensors_header.h"

#include <stdlib.h>
#include <string.h>

#include "engine/export/safetensors_json.h"
#include "engine/utf8.h"

struct header_reader {
	struct json_cursor json;
	struct header header;
	int tensor_capacity, meta_capacity;
	bool has_metadata;
};

static int read_dtype(struct json_cursor *c, struct header_tensor *tensor)
{
	static const struct {
		const char *name;
		size_t size;
	} types[] = {{"F64", 8}, {"F32", 4}};
	const char *name;
	int rc = json_read_string(c, &name);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (strcmp(types[i].name, name) == 0)
			tensor->element_size = types[i].size;
	if (tensor->element_size == 0)
		return error_set(c->error, ERR_INVALID, NULL, "tensor '%.*s' is of type '%.*s', F64 and F32 are read",
		                 (int)utf8_cut(tensor->name, 100), tensor->name, (int)utf8_cut(name, 20), name);
	return 0;
}

static int read_shape(struct json_cursor *c, struct header_tensor *tensor)
{
	int rc = json_expect(c, '[');
	if (rc != 0 || json_accept(c, ']'))
		return rc;
	do {
		if (tensor->rank == SAFETENSORS_MAX_RANK)
			return error_set(c->error, ERR_INVALID, NULL, "tensor '%.*s' has more than %d dimensions",
			                 (int)utf8_cut(tensor->name, 100), tensor->name, SAFETENSORS_MAX_RANK);
		rc = json_read_size(c, &tensor->dims[tensor->rank]);
		if (rc != 0)
			return rc;
		tensor->rank++;
	} while (json_accept(c, ','));
	return json_expect(c, ']');
}

static int read_offsets(struct json_cursor *c, struct header_tensor *tensor)
{
	int rc = json_expect(c, '[');
	if (rc == 0)
		rc = json_read_size(c, &tensor->begin);
	if (rc == 0)
		rc = json_expect(c, ',');
	if (rc == 0)
		rc = json_read_size(c, &tensor->end);
	return rc == 0 ? json_expect(c, ']') : rc;
}

static const struct {
	const char *key;
	int (*read)(struct json_cursor *c, struct header_tensor *tensor);
} fields[] = {{"dtype", read_dtype}, {"shape", read_shape}, {"data_offsets", read_offsets}};

enum { N_FIELDS = sizeof fields / sizeof fields[0] };

static int read_tensor(struct json_cursor *c, struct header_tensor *tensor)
{
	bool seen[N_FIELDS] = {false};
	int rc = json_expect(c, '{');
	if (rc != 0)
		return rc;
	do {
		const char *key;
		rc = json_read_string(c, &key);
		if (rc != 0)
			return rc;
		size_t i = 0;
		while (i < N_FIELDS && strcmp(fields[i].key, key) != 0)
			i++;
		if (i == N_FIELDS || seen[i])
			return json_broken(c, i == N_FIELDS ? "an unknown field of a tensor"
			                                    : "a field of a tensor twice");
		seen[i] = true;
		rc = json_expect(c, ':');
		if (rc == 0)
			rc = fields[i].read(c, tensor);
		if (rc != 0)
			return rc;
	} while (json_accept(c, ','));
	if (!seen[0] || !seen[1] || !seen[2])
		return json_broken(c, "a tensor without dtype, shape or data_offsets");
	return json_expect(c, '}');
}

/* Room for one more element; returns the array, moved perhaps, or NULL. */
static void *grow(void *items, int count, int *capacity, size_t size)
{
	if (count < *capacity)
		return items;
	int wanted = *capacity == 0 ? 16 : *capacity * 2;
	void *moved = reallocarray(items, (size_t)wanted, size);
	if (moved != NULL)
		*capacity = wanted;
	return moved;
}

static int read_metadata(struct header_reader *r)
{
	struct header *header = &r->header;
	struct json_cursor *c = &r->json;
	if (r->has_metadata)
		return json_broken(c, HEADER_METADATA " twice");
	r->has_metadata = true;
	int rc = json_expect(c, '{');
	if (rc != 0 || json_accept(c, '}'))
		return rc;
	do {
		struct safetensors_meta pair;
		rc = json_read_string(c, &pair.key);
		if (rc == 0)
			rc = json_expect(c, ':');
		if (rc == 0)
			rc = json_read_string(c, &pair.value);
		if (rc != 0)
			return rc;
		struct safetensors_meta *meta = grow(header->meta, header->n_meta, &r->meta_capacity, sizeof pair);
		if (meta == NULL)
			return error_set(c->error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a safetensors header");
		header->meta = meta;
		meta[header->n_meta++] = pair;
	} while (json_accept(c, ','));
	return json_expect(c, '}');
}

static int read_member(struct header_reader *r)
{
	struct header *header = &r->header;
	struct json_cursor *c = &r->json;
	struct header_tensor tensor = {0};
	int rc = json_read_string(c, &tensor.name);
	if (rc == 0)
		rc = json_expect(c, ':');
	if (rc != 0)
		return rc;
	if (strcmp(tensor.name, HEADER_METADATA) == 0)
		return read_metadata(r);
	rc = read_tensor(c, &tensor);
	if (rc != 0)
		return rc;
	struct header_tensor *tensors = grow(header->tensors, header->n_tensors, &r->tensor_capacity, sizeof tensor);
	if (tensors == NULL)
		return error_set(c->error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a safetensors header");
	header->tensors = tensors;
	tensors[header->n_tensors++] = tensor;
	return 0;
}

static int read_document(struct header_reader *r)
{
	struct json_cursor *c = &r->json;
	if (c->at == c->end || *c->at != '{') /* the format allows no blanks before it */
		return json_broken(c, "'{' expected");
	c->at++;
	if (!json_accept(c, '}')) {
		do {
			int rc = read_member(r);
			if (rc != 0)
				return rc;
		} while (json_accept(c, ','));
		int rc = json_expect(c, '}');
		if (rc != 0)
			return rc;
	}
	json_skip_blanks(c);
	return c->at == c->end ? 0 : json_broken(c, "text after the end");
}

int header_read(const unsigned char *text, size_t length, struct header *out, struct qlstm_error *error)
{
	const char *start = (const char *)text;
	char *strings = malloc(length + 1);
	if (strings == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a safetensors header");
	struct header_reader reader = {
	    .json = {.start = start, .at = start, .end = start + length, .strings = strings, .error = error},
	    .header = {.strings = strings},
	};
	int rc = read_document(&reader);
	if (rc != 0) {
		header_free(&reader.header);
		return rc;
	}
	*out = reader.header;
	return 0;
}

void header_free(struct header *header)
{
	free(header->meta);
	free(header->tensors);
	free(header->strings);
	*header = (struct header){0};
}
