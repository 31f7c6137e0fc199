/* A file that is written piece by piece, and is wholly there or not at all: file_write_atomic (file.h) without the
 * bytes being in memory at once.
 *
 *     struct file_writer writer;
 *     file_writer_open(&writer, "out", "predictions.csv");
 *     file_writer_add(&writer, "a,b\n", 4);
 *     file_writer_close(&writer, true, &error);        // now it is there */
#ifndef QLSTM_COMMON_FILE_WRITER_H
#define QLSTM_COMMON_FILE_WRITER_H

#include <limits.h>
#include <sodium.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/error.h"

struct file_writer {
	const char *directory, *name; /* borrowed */
	int folder, fd;               /* -1: not open */
	int failed;                   /* 0, or the errno of what failed first */
	const char *doing;            /* and what that was */
	char temporary[NAME_MAX + 1];
	crypto_hash_sha256_state hash;
	size_t bytes;
	char sha256[65]; /* of all, lower-case hex, once closed; needs sodium_init */
};

/* What fails is remembered, and said by file_writer_close, which follows in any case. */
void file_writer_open(struct file_writer *writer, const char *directory, const char *name);
/* -1 when it failed, now or before. */
int file_writer_add(struct file_writer *writer, const void *bytes, size_t length);
/* With `whole` the file gets its name, as file_write_atomic has it; else, or after a failure, nothing is left of it. An
 * error only of what failed in between. */
int file_writer_close(struct file_writer *writer, bool whole, struct qlstm_error *error);

#endif
