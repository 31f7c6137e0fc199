/* Writes safetensors files. */
#include "engine/export/safetensors.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/export/safetensors_header.h"
#include "engine/text.h"
#include "engine/utf8.h"

static void store_little(unsigned char *bytes, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(value >> (8 * i));
}

static int shape_elements(int rank, const size_t *dims, size_t *elements)
{
	*elements = 1;
	for (int i = 0; i < rank; i++)
		if (__builtin_mul_overflow(*elements, dims[i], elements))
			return ERR_TOO_LARGE;
	return 0;
}

static int write_string(struct text *out, const char *string)
{
	size_t left = strlen(string);
	text_print(out, "\"");
	while (left > 0) {
		size_t n = utf8_character(string, left);
		if (n == 0)
			return ERR_INVALID;
		if (*string == '"' || *string == '\\')
			text_print(out, "\\%c", *string);
		else if ((unsigned char)*string < 0x20)
			text_print(out, "\\u%04x", (unsigned)*string);
		else
			text_write(out, string, n);
		string += n;
		left -= n;
	}
	text_print(out, "\"");
	return 0;
}

static int write_metadata(struct text *out, const struct safetensors_meta *meta, int n_meta)
{
	int rc = 0;
	text_print(out, "\"" HEADER_METADATA "\":{");
	for (int i = 0; i < n_meta && rc == 0; i++) {
		text_print(out, "%s", i > 0 ? "," : "");
		rc = write_string(out, meta[i].key);
		text_print(out, ":");
		if (rc == 0)
			rc = write_string(out, meta[i].value);
	}
	text_print(out, "}");
	return rc;
}

/* Advances *offset past the tensor's data. */
static int write_tensor(struct text *out, const struct safetensors_tensor *tensor, size_t *offset)
{
	size_t elements, bytes, end;
	if (tensor->rank < 0 || tensor->rank > SAFETENSORS_MAX_RANK || strcmp(tensor->name, HEADER_METADATA) == 0)
		return ERR_INVALID;
	if (shape_elements(tensor->rank, tensor->dims, &elements) != 0 ||
	    __builtin_mul_overflow(elements, sizeof(double), &bytes) || __builtin_add_overflow(*offset, bytes, &end))
		return ERR_TOO_LARGE;
	int rc = write_string(out, tensor->name);
	text_print(out, ":{\"dtype\":\"F64\",\"shape\":[");
	for (int i = 0; i < tensor->rank; i++)
		text_print(out, "%s%zu", i > 0 ? "," : "", tensor->dims[i]);
	text_print(out, "],\"data_offsets\":[%zu,%zu]}", *offset, end);
	*offset = end;
	return rc;
}

/* The padded header, and the size of the data that it describes. */
static int write_header(const struct safetensors_tensor *tensors, int n_tensors, const struct safetensors_meta *meta,
                        int n_meta, char **header, size_t *length, size_t *data_size)
{
	struct text out = {0};
	int rc = 0;
	*data_size = 0;
	text_print(&out, "{");
	if (n_meta > 0)
		rc = write_metadata(&out, meta, n_meta);
	for (int i = 0; i < n_tensors && rc == 0; i++) {
		text_print(&out, "%s", i > 0 || n_meta > 0 ? "," : "");
		rc = write_tensor(&out, &tensors[i], data_size);
	}
	text_print(&out, "}");
	text_print(&out, "%*s", (int)((8 - out.length % 8) % 8), "");
	int taken = text_take(&out, header, length);
	if (rc == 0)
		rc = taken;
	if (rc == 0 && *length > HEADER_MAX_SIZE)
		rc = ERR_TOO_LARGE;
	return rc;
}

/* The header already written to the file says where each tensor goes: one after the other. */
static void write_data(unsigned char *at, const struct safetensors_tensor *tensors, int n_tensors)
{
	for (int i = 0; i < n_tensors; i++) {
		size_t elements;
		shape_elements(tensors[i].rank, tensors[i].dims, &elements);
		for (size_t k = 0; k < elements; k++, at += 8) {
			uint64_t bits;
			memcpy(&bits, &tensors[i].data[k], sizeof bits);
			store_little(at, bits);
		}
	}
}

/* Quadratic: a model has dozens of tensors. */
static bool has_duplicates(const struct safetensors_tensor *tensors, int n_tensors, const struct safetensors_meta *meta,
                           int n_meta)
{
	for (int i = 0; i < n_tensors; i++)
		for (int k = 0; k < i; k++)
			if (strcmp(tensors[i].name, tensors[k].name) == 0)
				return true;
	for (int i = 0; i < n_meta; i++)
		for (int k = 0; k < i; k++)
			if (strcmp(meta[i].key, meta[k].key) == 0)
				return true;
	return false;
}

int safetensors_encode(const struct safetensors_tensor *tensors, int n_tensors, const struct safetensors_meta *meta,
                       int n_meta, unsigned char **out, size_t *length, struct qlstm_error *error)
{
	if (has_duplicates(tensors, n_tensors, meta, n_meta))
		return error_set(error, ERR_INVALID, NULL, "two tensors or two metadata keys share a name");
	char *header = NULL;
	size_t header_size = 0, data_size = 0, total;
	unsigned char *bytes = NULL;
	int rc = write_header(tensors, n_tensors, meta, n_meta, &header, &header_size, &data_size);
	if (rc == 0 && __builtin_add_overflow(HEADER_PREFIX + header_size, data_size, &total))
		rc = ERR_TOO_LARGE;
	if (rc == 0) {
		bytes = malloc(total);
		rc = bytes == NULL ? ERR_OUT_OF_MEMORY : 0;
	}
	if (rc == 0) {
		store_little(bytes, header_size);
		memcpy(bytes + HEADER_PREFIX, header, header_size);
		write_data(bytes + HEADER_PREFIX + header_size, tensors, n_tensors);
		*out = bytes;
		*length = total;
	}
	free(header);
	if (rc != 0)
		error_set(error, rc, NULL, "cannot write %d tensors as safetensors: %s", n_tensors,
		          rc == ERR_INVALID ? "a name or a shape is not allowed by the format"
		                            : "not enough memory or too large");
	return rc;
}
