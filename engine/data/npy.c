/* .npy into a table. The header is a Python literal; only what numpy.save writes is read of it:
 *   {'descr': '<f8', 'fortran_order': False, 'shape': (100, 3), } */
#include "engine/data/npy.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "engine/data/array.h"
#include "engine/utf8.h"

static const unsigned char magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y'};

enum { MAGIC = sizeof magic, SHOWN = 40 };

struct header {
	const unsigned char *file;
	size_t at, end; /* bytes of the file; `at` is the next to be read */
	struct array array;
	bool has_descr, has_order, has_shape;
};

static int refuse(const struct header *header, const char *expected, struct qlstm_error *error)
{
	return error_set(error, ERR_SYNTAX, NULL, "byte %zu: the .npy header has no %s here", header->at, expected);
}

static bool is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static void skip_blanks(struct header *header)
{
	while (header->at < header->end && is_blank(header->file[header->at]))
		header->at++;
}

/* Whether `word` comes next; it is then read. */
static bool accept(struct header *header, const char *word)
{
	size_t length = strlen(word);
	skip_blanks(header);
	if (header->end - header->at < length || memcmp(header->file + header->at, word, length) != 0)
		return false;
	header->at += length;
	return true;
}

/* The first of `length` bytes as text for a message. */
static void show(const unsigned char *bytes, size_t length, char out[SHOWN + 1])
{
	size_t n = length < SHOWN ? length : SHOWN;
	memcpy(out, bytes, n);
	out[n] = '\0';
	utf8_clean(out);
}

/* A string without escapes: *text points at `length` bytes of the file. */
static int read_string(struct header *header, const char **text, size_t *length, struct qlstm_error *error)
{
	char mark = accept(header, "'") ? '\'' : accept(header, "\"") ? '"' : '\0';
	if (mark == '\0')
		return refuse(header, "string", error);
	const unsigned char *start = header->file + header->at;
	const unsigned char *end = memchr(start, mark, header->end - header->at);
	if (end == NULL || memchr(start, '\\', (size_t)(end - start)) != NULL)
		return refuse(header, "plain string that ends", error);
	*text = (const char *)start;
	*length = (size_t)(end - start);
	header->at += *length + 1;
	return 0;
}

/* --- descr --- */

/* What dtypes are for that are not read, by their letter. */
static const char *meaning(char letter)
{
	static const struct {
		char letter;
		const char *words;
	} kinds[] = {{'O', "objects, which are never unpickled"},
	             {'c', "complex numbers"},
	             {'U', "text"},
	             {'S', "text"},
	             {'a', "text"},
	             {'V', "raw bytes"},
	             {'M', "dates"},
	             {'m', "durations"}};
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (kinds[i].letter == letter)
			return kinds[i].words;
	return "no plain number";
}

static int refuse_dtype(const unsigned char *text, size_t length, struct qlstm_error *error)
{
	char shown[SHOWN + 1];
	show(text, length, shown);
	return error_set(
	    error, ERR_INVALID, NULL,
	    "the array's dtype is '%s': %s; booleans, integers up to 8 bytes and reals of 2, 4 and 8 bytes "
	    "are read, with their byte order said",
	    shown, meaning(length > 1 ? (char)text[1] : '\0'));
}

static int read_descr(struct header *header, struct qlstm_error *error)
{
	const char *text;
	size_t length;
	header->has_descr = true;
	if (accept(header, "[") || accept(header, "(")) {
		char shown[SHOWN + 1];
		show(header->file + header->at - 1, header->end - header->at + 1, shown);
		return error_set(error, ERR_INVALID, NULL,
		                 "the array's dtype is a structure, %s...; plain numbers are read", shown);
	}
	int rc = read_string(header, &text, &length, error);
	if (rc != 0)
		return rc;
	char order = length > 0 ? text[0] : '\0';
	const struct array_type *type = length > 1 ? array_type_find(text + 1, length - 1) : NULL;
	bool ordered = order == '<' || order == '>' || (order == '|' && type != NULL && type->bytes == 1);
	if (type == NULL || !ordered)
		return refuse_dtype((const unsigned char *)text, length, error);
	header->array.type = type;
	header->array.big_endian = order == '>';
	return 0;
}

/* --- fortran_order, shape --- */

static int read_order(struct header *header, struct qlstm_error *error)
{
	header->has_order = true;
	header->array.fortran_order = accept(header, "True");
	if (header->array.fortran_order || accept(header, "False"))
		return 0;
	return refuse(header, "True or False", error);
}

/* The size of one dimension; Python 2 wrote an L behind it. */
static int read_size(struct header *header, size_t *size, struct qlstm_error *error)
{
	size_t first = header->at;
	*size = 0;
	for (; header->at < header->end; header->at++) {
		unsigned char c = header->file[header->at];
		if (c < '0' || c > '9')
			break;
		if (__builtin_mul_overflow(*size, (size_t)10, size) ||
		    __builtin_add_overflow(*size, (size_t)(c - '0'), size))
			return error_set(error, ERR_SYNTAX, NULL, "byte %zu: a dimension is larger than any file",
			                 first);
	}
	if (header->at == first)
		return refuse(header, "size of a dimension", error);
	if (header->at < header->end && header->file[header->at] == 'L')
		header->at++;
	return 0;
}

static int read_shape(struct header *header, struct qlstm_error *error)
{
	struct array *array = &header->array;
	header->has_shape = true;
	if (!accept(header, "("))
		return refuse(header, "shape in parentheses", error);
	int n = 0;
	bool comma = true;
	while (!accept(header, ")")) {
		size_t size = 0;
		int rc = comma ? read_size(header, &size, error) : refuse(header, "comma", error);
		if (rc != 0)
			return rc;
		if (n < TABLE_MAX_DIMENSIONS)
			array->shape[n] = size;
		n++;
		comma = accept(header, ",");
	}
	if (n == 1 && !comma)
		return refuse(header, "comma behind the only dimension", error);
	if (n < 1 || n > 2)
		return error_set(error, ERR_INVALID, NULL,
		                 "the array has %d dimensions; 1 and 2 are read: reshape it to (rows, columns)", n);
	array->n_dimensions = n;
	return 0;
}

/* --- the whole --- */

static int read_item(struct header *header, struct qlstm_error *error)
{
	static const struct {
		const char *name;
		int (*read)(struct header *, struct qlstm_error *);
		size_t seen; /* offset of its flag in struct header */
	} items[] = {{"descr", read_descr, offsetof(struct header, has_descr)},
	             {"fortran_order", read_order, offsetof(struct header, has_order)},
	             {"shape", read_shape, offsetof(struct header, has_shape)}};
	const char *name;
	size_t length;
	int rc = read_string(header, &name, &length, error);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
		if (strlen(items[i].name) != length || memcmp(items[i].name, name, length) != 0)
			continue;
		if (*((const bool *)header + items[i].seen))
			return refuse(header, "item for the first time", error);
		if (!accept(header, ":"))
			return refuse(header, "colon", error);
		skip_blanks(header);
		return items[i].read(header, error);
	}
	return refuse(header, "name before that is known (descr, fortran_order, shape)", error);
}

static int read_header(struct header *header, struct qlstm_error *error)
{
	if (!accept(header, "{"))
		return refuse(header, "opening brace", error);
	bool comma = true;
	while (!accept(header, "}")) {
		int rc = comma ? read_item(header, error) : refuse(header, "comma", error);
		if (rc != 0)
			return rc;
		comma = accept(header, ",");
	}
	skip_blanks(header);
	if (header->at != header->end)
		return refuse(header, "end", error);
	if (!header->has_descr || !header->has_order || !header->has_shape)
		return refuse(header, "end yet: descr, fortran_order and shape must all be", error);
	return 0;
}

bool npy_sniff(const unsigned char *bytes, size_t length)
{
	return length >= MAGIC && memcmp(bytes, magic, MAGIC) == 0;
}

/* Where the header begins and ends: behind two bytes of version and two (1.0) or four of its length, little-endian. */
static int find_header(const unsigned char *bytes, size_t length, struct header *header, struct qlstm_error *error)
{
	if (!npy_sniff(bytes, length))
		return error_set(error, ERR_SYNTAX, NULL, "byte 0: .npy begins with a byte 147 and NUMPY");
	int major = length > MAGIC + 1 ? bytes[MAGIC] : 1, minor = length > MAGIC + 1 ? bytes[MAGIC + 1] : 0;
	if (major < 1 || major > 3 || minor != 0)
		return error_set(error, ERR_INVALID, NULL, "the .npy version is %d.%d; 1.0, 2.0 and 3.0 are read",
		                 major, minor);
	size_t width = major == 1 ? 2 : 4, size = 0;
	*header = (struct header){.file = bytes, .at = MAGIC + 2 + width};
	if (length < header->at)
		return error_set(error, ERR_SYNTAX, NULL, "byte %zu: the file ends before the .npy header", length);
	for (size_t i = width; i > 0; i--)
		size = size << 8 | bytes[MAGIC + 2 + i - 1];
	if (size > length - header->at)
		return error_set(error, ERR_SYNTAX, NULL,
		                 "byte %zu: the .npy header should have %zu bytes, the file has %zu more", header->at,
		                 size, length - header->at);
	header->end = header->at + size;
	return 0;
}

int npy_parse(const unsigned char *bytes, size_t length, int values, struct table *out, struct qlstm_error *error)
{
	struct header header;
	int rc = find_header(bytes, length, &header, error);
	if (rc == 0)
		rc = read_header(&header, error);
	if (rc != 0)
		return rc;
	header.array.offset = header.end;
	header.array.elements = bytes + header.end;
	header.array.bytes = length - header.end;
	return array_table(&header.array, values, out, error);
}
