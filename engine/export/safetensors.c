/* Reads safetensors files, with all the checks that the format promises. */
#include "engine/export/safetensors.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/export/safetensors_header.h"
#include "engine/utf8.h"

static uint64_t load_little(const unsigned char *bytes, size_t n)
{
	uint64_t value = 0;
	while (n-- > 0)
		value = value << 8 | bytes[n];
	return value;
}

struct label {
	const char *text;
};

static int compare_labels(const void *a, const void *b)
{
	return strcmp(((const struct label *)a)->text, ((const struct label *)b)->text);
}

/* Names are `stride` bytes apart, starting at *first. Sorted, for a hostile header may hold a million of them. */
static int check_unique(const char *const *first, int n, size_t stride, struct qlstm_error *error)
{
	struct label *labels = calloc((size_t)n, sizeof *labels);
	if (labels == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for %d names", n);
	for (int i = 0; i < n; i++)
		memcpy(&labels[i].text, (const char *)first + (size_t)i * stride, sizeof labels[i].text);
	qsort(labels, (size_t)n, sizeof *labels, compare_labels);
	int rc = 0;
	for (int i = 1; i < n && rc == 0; i++)
		if (strcmp(labels[i - 1].text, labels[i].text) == 0)
			rc = error_set(error, ERR_CORRUPT, NULL, "the name '%.*s' occurs twice",
			               (int)utf8_cut(labels[i].text, 100), labels[i].text);
	free(labels);
	return rc;
}

struct extent {
	size_t begin, end;
	const char *name;
};

static int compare_extents(const void *a, const void *b)
{
	const struct extent *x = a, *y = b;
	if (x->begin != y->begin)
		return x->begin < y->begin ? -1 : 1;
	return (x->end > y->end) - (x->end < y->end);
}

/* The data part is covered without gaps and without overlap. */
static int check_offsets(const struct header *header, size_t data_size, struct qlstm_error *error)
{
	int n = header->n_tensors;
	struct extent *order = calloc((size_t)n + 1, sizeof *order);
	if (order == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for %d tensors", n);
	for (int i = 0; i < n; i++)
		order[i] = (struct extent){header->tensors[i].begin, header->tensors[i].end, header->tensors[i].name};
	qsort(order, (size_t)n, sizeof *order, compare_extents);
	size_t covered = 0;
	int rc = 0;
	for (int i = 0; i < n && rc == 0; i++) {
		if (order[i].begin != covered)
			rc = error_set(error, ERR_CORRUPT, NULL,
			               "tensor '%.*s' starts at byte %zu of the data, not at %zu",
			               (int)utf8_cut(order[i].name, 100), order[i].name, order[i].begin, covered);
		covered = order[i].end;
	}
	if (rc == 0 && covered != data_size)
		rc = error_set(error, ERR_CORRUPT, NULL, "the tensors cover %zu bytes, the data part has %zu", covered,
		               data_size);
	free(order);
	return rc;
}

/* Sizes equal shape times type and lie inside the data; adds up the elements, which therefore cannot overflow. */
static int check_sizes(const struct header *header, size_t data_size, size_t *elements, struct qlstm_error *error)
{
	*elements = 0;
	for (int i = 0; i < header->n_tensors; i++) {
		const struct header_tensor *tensor = &header->tensors[i];
		size_t size = tensor->element_size;
		bool overflow = false;
		for (int k = 0; k < tensor->rank; k++)
			overflow = __builtin_mul_overflow(size, tensor->dims[k], &size) || overflow;
		if (overflow || tensor->begin > tensor->end || tensor->end > data_size ||
		    tensor->end - tensor->begin != size)
			return error_set(error, ERR_CORRUPT, NULL,
			                 "the offsets of tensor '%.*s' do not fit its shape, its type or the file",
			                 (int)utf8_cut(tensor->name, 100), tensor->name);
		*elements += size / tensor->element_size;
	}
	return 0;
}

static double load_element(const unsigned char *bytes, size_t size)
{
	uint64_t bits = load_little(bytes, size);
	if (size == sizeof(double)) {
		double value;
		memcpy(&value, &bits, sizeof value);
		return value;
	}
	uint32_t narrow_bits = (uint32_t)bits;
	float narrow;
	memcpy(&narrow, &narrow_bits, sizeof narrow);
	return narrow;
}

/* What the decoded file's pointers lead to. */
struct arena {
	double *values;
	char *strings;
};

/* Takes strings and metadata over from the header. */
static int build(struct header *header, const unsigned char *data, size_t elements, struct safetensors_file *out)
{
	struct safetensors_file file = {.n_tensors = header->n_tensors, .n_meta = header->n_meta};
	struct arena *arena = calloc(1, sizeof *arena);
	file.arena = arena;
	file.tensors = calloc((size_t)header->n_tensors + 1, sizeof *file.tensors);
	if (arena != NULL)
		arena->values = calloc(elements + 1, sizeof(double));
	if (arena == NULL || file.tensors == NULL || arena->values == NULL) {
		safetensors_free(&file);
		return ERR_OUT_OF_MEMORY;
	}
	double *next = arena->values;
	for (int i = 0; i < header->n_tensors; i++) {
		const struct header_tensor *from = &header->tensors[i];
		struct safetensors_tensor *to = &file.tensors[i];
		*to = (struct safetensors_tensor){.name = from->name, .rank = from->rank, .data = next};
		memcpy(to->dims, from->dims, sizeof to->dims);
		for (size_t at = from->begin; at < from->end; at += from->element_size)
			*next++ = load_element(data + at, from->element_size);
	}
	file.meta = header->meta;
	arena->strings = header->strings;
	header->meta = NULL;
	header->strings = NULL;
	*out = file;
	return 0;
}

int safetensors_decode(const unsigned char *bytes, size_t length, struct safetensors_file *out,
                       struct qlstm_error *error)
{
	if (length < HEADER_PREFIX)
		return error_set(error, ERR_CORRUPT, NULL, "not safetensors: %zu bytes are too few", length);
	uint64_t header_size = load_little(bytes, HEADER_PREFIX);
	if (header_size > HEADER_MAX_SIZE || header_size > length - HEADER_PREFIX)
		return error_set(error, ERR_CORRUPT, NULL, "not safetensors: a header of %ju bytes in a file of %zu",
		                 (uintmax_t)header_size, length);
	const unsigned char *data = bytes + HEADER_PREFIX + header_size;
	size_t data_size = length - HEADER_PREFIX - (size_t)header_size, elements;

	struct header header;
	int rc = header_read(bytes + HEADER_PREFIX, (size_t)header_size, &header, error);
	if (rc != 0)
		return rc;
	if (header.n_tensors > 0)
		rc = check_unique(&header.tensors[0].name, header.n_tensors, sizeof *header.tensors, error);
	if (rc == 0 && header.n_meta > 0)
		rc = check_unique(&header.meta[0].key, header.n_meta, sizeof *header.meta, error);
	if (rc == 0)
		rc = check_sizes(&header, data_size, &elements, error);
	if (rc == 0)
		rc = check_offsets(&header, data_size, error);
	if (rc == 0) {
		rc = build(&header, data, elements, out);
		if (rc != 0)
			error_set(error, rc, NULL, "out of memory for %zu weights", elements);
	}
	header_free(&header);
	return rc;
}

void safetensors_free(struct safetensors_file *file)
{
	struct arena *arena = file->arena;
	if (arena != NULL) {
		free(arena->values);
		free(arena->strings);
	}
	free(arena);
	free(file->meta);
	free(file->tensors);
	*file = (struct safetensors_file){0};
}

const struct safetensors_tensor *safetensors_find(const struct safetensors_file *file, const char *name)
{
	for (int i = 0; i < file->n_tensors; i++)
		if (strcmp(file->tensors[i].name, name) == 0)
			return &file->tensors[i];
	return NULL;
}

const char *safetensors_meta_find(const struct safetensors_file *file, const char *key)
{
	for (int i = 0; i < file->n_meta; i++)
		if (strcmp(file->meta[i].key, key) == 0)
			return file->meta[i].value;
	return NULL;
}
