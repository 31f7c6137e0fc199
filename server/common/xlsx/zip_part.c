/* Parts of a ZIP archive. */
#include "server/common/xlsx/zip_part.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <minizip/unzip.h>

enum { PIECE = 64 << 10 };

struct zip {
	const unsigned char *bytes;
	size_t length, at;
	size_t unpacked; /* so far, of all parts */
	unzFile file;
	char piece[PIECE];
};

static voidpf open_bytes(voidpf opaque, const void *name, int mode)
{
	(void)name;
	(void)mode;
	return opaque;
}

static uLong read_bytes(voidpf opaque, voidpf stream, void *to, uLong size)
{
	(void)stream;
	struct zip *zip = opaque;
	size_t left = zip->length - zip->at, n = size < left ? size : left;
	memcpy(to, zip->bytes + zip->at, n);
	zip->at += n;
	return n;
}

static ZPOS64_T tell_bytes(voidpf opaque, voidpf stream)
{
	(void)stream;
	return ((const struct zip *)opaque)->at;
}

static long seek_bytes(voidpf opaque, voidpf stream, ZPOS64_T offset, int origin)
{
	(void)stream;
	struct zip *zip = opaque;
	size_t from = origin == ZLIB_FILEFUNC_SEEK_END ? zip->length : origin == ZLIB_FILEFUNC_SEEK_CUR ? zip->at : 0;
	if (offset > zip->length - from)
		return -1;
	zip->at = from + (size_t)offset;
	return 0;
}

static int close_bytes(voidpf opaque, voidpf stream)
{
	(void)opaque;
	(void)stream;
	return 0;
}

int zip_open(struct zip **out, const unsigned char *bytes, size_t length, struct qlstm_error *error)
{
	struct zip *zip = *out = calloc(1, sizeof *zip);
	if (zip == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for an archive");
	zip->bytes = bytes;
	zip->length = length;
	zlib_filefunc64_def functions = {.zopen64_file = open_bytes,
	                                 .zread_file = read_bytes,
	                                 .ztell64_file = tell_bytes,
	                                 .zseek64_file = seek_bytes,
	                                 .zclose_file = close_bytes,
	                                 .zerror_file = close_bytes,
	                                 .opaque = zip};
	zip->file = unzOpen2_64("memory", &functions);
	if (zip->file != NULL)
		return 0;
	return error_set(error, ERR_SYNTAX, NULL, "the archive cannot be read: it is cut or no ZIP");
}

void zip_close(struct zip *zip)
{
	if (zip != NULL && zip->file != NULL)
		unzClose(zip->file);
	free(zip);
}

static int damaged(const char *name, struct qlstm_error *error)
{
	return error_set(error, ERR_SYNTAX, NULL,
	                 "the part %.100s of the archive is damaged, packed in an unknown way, or has a password",
	                 name);
}

int zip_read(struct zip *zip, const char *name, size_t limit, zip_take take, void *context, struct qlstm_error *error)
{
	if (unzLocateFile(zip->file, name, 1) != UNZ_OK)
		return error_set(error, ERR_NOT_FOUND, NULL, "the archive has no part %.100s", name);
	if (unzOpenCurrentFile(zip->file) != UNZ_OK)
		return damaged(name, error);
	int rc = 0, n = 0;
	while (rc == 0 && (n = unzReadCurrentFile(zip->file, zip->piece, PIECE)) > 0) {
		zip->unpacked += (size_t)n;
		rc = zip->unpacked <= limit ? take(context, zip->piece, (size_t)n, false)
		                            : error_set(error, ERR_TOO_LARGE, NULL,
		                                        "the archive unpacks to more than %zu bytes, the limit", limit);
	}
	if (rc == 0 && n < 0)
		rc = damaged(name, error);
	if (rc == 0)
		rc = take(context, "", 0, true);
	if (unzCloseCurrentFile(zip->file) != UNZ_OK && rc == 0)
		rc = damaged(name, error); /* the checksum differs */
	return rc;
}
