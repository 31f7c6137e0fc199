/* Tensors as an .npz file. */
#include "server/api/export/npz.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/text.h"
#include "server/common/gzip.h"

#define LOCAL_HEADER   0x04034b50u
#define CENTRAL_HEADER 0x02014b50u
#define CENTRAL_END    0x06054b50u

enum { NPY_PREAMBLE = 10, NPY_ALIGNMENT = 64 };

/* One array: what its .npy header says, and its bytes. */
struct member {
	const char *name, *descr, *shape;
	const void *data;
	size_t size;
};

static void put(struct text *out, unsigned long value, int bytes)
{
	for (int i = 0; i < bytes; i++) {
		char byte = (char)(value >> (8 * i) & 0xff);
		text_write(out, &byte, 1);
	}
}

/* The header's length is such that the data begin at a multiple of 64. */
static void write_npy(struct text *out, const struct member *member)
{
	char header[512];
	int used = snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }",
	                    member->descr, member->shape);
	size_t length = (size_t)used, whole = NPY_PREAMBLE + length + 1,
	       padding = (NPY_ALIGNMENT - whole % NPY_ALIGNMENT) % NPY_ALIGNMENT;
	text_write(out, "\x93NUMPY\x01\x00", 8);
	put(out, length + padding + 1, 2);
	text_write(out, header, length);
	text_print(out, "%*s\n", (int)padding, "");
	text_write(out, member->data, member->size);
}

/* What the local and the central header of a member have in common; the date is the first that there is. */
static void put_common(struct text *out, unsigned long crc, size_t size, size_t name_length)
{
	put(out, 20, 2);      /* version 2.0 to extract */
	put(out, 1 << 11, 2); /* the name is UTF-8 */
	put(out, 0, 2);       /* stored */
	put(out, 0, 2);
	put(out, 1 << 5 | 1, 2); /* 1980-01-01 */
	put(out, crc, 4);
	put(out, size, 4);
	put(out, size, 4);
	put(out, name_length, 2);
	put(out, 0, 2); /* no extra field */
}

/* Appends the member, and its entry to the directory. */
static void write_member(struct text *out, struct text *directory, const struct member *member)
{
	struct text npy = {0};
	size_t at = out->length, name_length = strlen(member->name) + 4;
	write_npy(&npy, member);
	if (npy.failed) {
		out->failed = true;
		free(npy.bytes);
		return;
	}
	unsigned long crc = gzip_checksum((const unsigned char *)npy.bytes, npy.length);
	put(out, LOCAL_HEADER, 4);
	put_common(out, crc, npy.length, name_length);
	text_print(out, "%s.npy", member->name);
	text_write(out, npy.bytes, npy.length);
	put(directory, CENTRAL_HEADER, 4);
	put(directory, 20, 2); /* made by version 2.0, MS-DOS attributes */
	put_common(directory, crc, npy.length, name_length);
	put(directory, 0, 2 + 2 + 2); /* no comment, disk 0, not text */
	put(directory, 0, 4);         /* attributes */
	put(directory, at, 4);
	text_print(directory, "%s.npy", member->name);
	free(npy.bytes);
}

static void write_tensor(struct text *out, struct text *directory, const struct safetensors_tensor *tensor)
{
	struct text shape = {0};
	size_t size = sizeof(double);
	text_print(&shape, "(");
	for (int i = 0; i < tensor->rank; i++) {
		size *= tensor->dims[i];
		text_print(&shape, "%zu%s", tensor->dims[i],
		           i + 1 < tensor->rank ? ", "
		           : tensor->rank == 1  ? ","
		                                : "");
	}
	text_print(&shape, ")");
	if (shape.failed)
		out->failed = true;
	else
		write_member(out, directory, &(struct member){tensor->name, "<f8", shape.bytes, tensor->data, size});
	free(shape.bytes);
}

static void write_metadata(struct text *out, struct text *directory, const struct safetensors_file *file)
{
	char descr[32];
	json_t *metadata = json_object();
	for (int i = 0; i < file->n_meta; i++)
		json_object_set_new(metadata, file->meta[i].key, json_string(file->meta[i].value));
	char *words = metadata != NULL && json_object_size(metadata) == (size_t)file->n_meta
	                  ? json_dumps(metadata, JSON_COMPACT)
	                  : NULL;
	if (words != NULL) {
		snprintf(descr, sizeof descr, "|S%zu", strlen(words));
		write_member(out, directory, &(struct member){"metadata", descr, "()", words, strlen(words)});
	} else {
		out->failed = true;
	}
	free(words);
	json_decref(metadata);
}

int npz_encode(const struct safetensors_file *file, unsigned char **out, size_t *length, struct qlstm_error *error)
{
	struct text archive = {0}, directory = {0};
	char *bytes = NULL;
	size_t count = (size_t)file->n_tensors + 1;
	for (int i = 0; i < file->n_tensors; i++)
		write_tensor(&archive, &directory, &file->tensors[i]);
	write_metadata(&archive, &directory, file);
	size_t at = archive.length;
	if (directory.failed)
		archive.failed = true;
	else
		text_write(&archive, directory.bytes, directory.length);
	put(&archive, CENTRAL_END, 4);
	put(&archive, 0, 4); /* one disk */
	put(&archive, count, 2);
	put(&archive, count, 2);
	put(&archive, directory.length, 4);
	put(&archive, at, 4);
	put(&archive, 0, 2); /* no comment */
	free(directory.bytes);
	bool too_large = !archive.failed && archive.length > UINT32_MAX;
	if (text_take(&archive, &bytes, length) != 0)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for the archive");
	*out = (unsigned char *)bytes;
	if (!too_large)
		return 0;
	free(bytes);
	return error_set(error, ERR_TOO_LARGE, NULL, "an archive of 4 GiB or more");
}
