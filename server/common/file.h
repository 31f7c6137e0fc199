/* Files that are either wholly there or not at all. */
#ifndef QLSTM_COMMON_FILE_H
#define QLSTM_COMMON_FILE_H

#include <stddef.h>

#include "engine/error.h"

/* Our code for an errno: ERR_DISK_FULL, ERR_NOT_FOUND, ERR_OUT_OF_MEMORY, ERR_UNAVAILABLE where no descriptor is left
 * (it passes), else ERR_IO. */
int file_error_code(int number);

/* All of it, also when signals and short writes come between. -1: errno says why. */
int file_write_all(int fd, const void *content, size_t length);

/* Writes DIR/NAME through a temporary file, DIR/.NAME.XXXXXXXX.tmp: write, fsync, rename, fsync of the directory. The
 * file is locked (flock) as long as it has that name: one without a lock is nobody's. ERR_DISK_FULL, ERR_IO. */
int file_write_atomic(const char *directory, const char *name, const void *bytes, size_t length,
                      struct qlstm_error *error);
/* Makes the finished file `from` durable under the name `to` in the same folder: fsync, rename, fsync of the folder. */
int file_rename_durably(const char *from, const char *to, struct qlstm_error *error);
/* The whole file with a NUL byte behind it; *bytes (malloc) is the caller's. ERR_NOT_FOUND, ERR_TOO_LARGE past `max`.
 */
int file_read(const char *path, size_t max, unsigned char **bytes, size_t *length, struct qlstm_error *error);
/* The same of an open file, from where it stands; `path` is its name for the error. */
int file_read_open(int fd, const char *path, size_t max, unsigned char **bytes, size_t *length,
                   struct qlstm_error *error);
/* As file_read without a copy, and without that NUL byte: the file's own pages; file_unmap it. What is empty is "". */
int file_map(const char *path, size_t max, const unsigned char **bytes, size_t *length, struct qlstm_error *error);
void file_unmap(const unsigned char *bytes, size_t length);
int file_sync_folder(const char *path, struct qlstm_error *error);
/* mkdir -p, mode 0700 for what it makes; syncs parents. */
int file_make_directory(const char *path, struct qlstm_error *error);
/* rm -r; nothing there is not an error. Never follows symbolic links. */
int file_remove_tree(const char *path, struct qlstm_error *error);

/* Lower-case hex SHA-256 of bytes; of a file; of an open one from where it stands to its end, `path` is its name for
 * the error. Needs sodium_init. */
void sha256_hex(const void *bytes, size_t length, char out[65]);
int sha256_file(const char *path, char out[65], size_t *bytes, struct qlstm_error *error);
int sha256_open_file(int fd, const char *path, char out[65], size_t *bytes, struct qlstm_error *error);

#endif
