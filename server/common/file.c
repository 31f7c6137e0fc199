/* Files that are either wholly there or not at all. */
#include "server/common/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/common/file_writer.h"

enum { MAX_TREE_DEPTH = 64, BLOCK_BYTES = 65536 };

/* EFBIG is what a file-size limit answers: to the writer it means the same as a full disk. */
int file_error_code(int number)
{
	static const struct {
		int number, code;
	} codes[] = {{ENOSPC, ERR_DISK_FULL},  {EDQUOT, ERR_DISK_FULL},     {EFBIG, ERR_DISK_FULL},
	             {ENOENT, ERR_NOT_FOUND},  {ENOMEM, ERR_OUT_OF_MEMORY}, {EMFILE, ERR_UNAVAILABLE},
	             {ENFILE, ERR_UNAVAILABLE}};
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
		if (codes[i].number == number)
			return codes[i].code;
	return ERR_IO;
}

static int error_from_errno(struct qlstm_error *error, int number, const char *doing, const char *path)
{
	char reason[128];
	return error_set(error, file_error_code(number), NULL, "cannot %s %s: %s", doing, path,
	                 strerror_r(number, reason, sizeof reason));
}

int file_write_all(int fd, const void *content, size_t length)
{
	const unsigned char *bytes = content;
	while (length > 0) {
		ssize_t wrote = write(fd, bytes, length);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return -1;
		bytes += wrote;
		length -= (size_t)wrote;
	}
	return 0;
}

int file_write_atomic(const char *directory, const char *name, const void *bytes, size_t length,
                      struct qlstm_error *error)
{
	struct file_writer writer;
	file_writer_open(&writer, directory, name);
	file_writer_add(&writer, bytes, length);
	return file_writer_close(&writer, true, error);
}

static int sync_path(const char *path, int flags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	int rc = fd >= 0 ? fsync(fd) : -1;
	int number = errno;
	if (fd >= 0)
		close(fd);
	errno = number;
	return rc;
}

/* Of an open file. */
static int map_pages(int fd, const char *path, size_t max, const unsigned char **bytes, size_t *length,
                     struct qlstm_error *error)
{
	struct stat about;
	*bytes = (const unsigned char *)"";
	if (fstat(fd, &about) != 0)
		return error_set(error, ERR_IO, NULL, "cannot read %s: %s", path, strerror(errno));
	*length = (size_t)about.st_size;
	if (*length > max)
		return error_set(error, ERR_TOO_LARGE, NULL, "%s is larger than %zu bytes", path, max);
	if (*length == 0)
		return 0;
	void *pages = mmap(NULL, *length, PROT_READ, MAP_PRIVATE, fd, 0);
	if (pages == MAP_FAILED)
		return error_set(error, ERR_IO, NULL, "cannot read %s: %s", path, strerror(errno));
	*bytes = pages;
	return 0;
}

int file_map(const char *path, size_t max, const unsigned char **bytes, size_t *length, struct qlstm_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set(error, file_error_code(errno), NULL, "cannot open %s: %s", path, strerror(errno));
	int rc = map_pages(fd, path, max, bytes, length, error);
	close(fd);
	return rc;
}

void file_unmap(const unsigned char *bytes, size_t length)
{
	if (length > 0)
		munmap((void *)(uintptr_t)bytes, length);
}

int file_sync_folder(const char *path, struct qlstm_error *error)
{
	return sync_path(path, O_DIRECTORY) == 0 ? 0 : error_from_errno(error, errno, "sync", path);
}

int file_rename_durably(const char *from, const char *to, struct qlstm_error *error)
{
	char folder[PATH_MAX];
	snprintf(folder, sizeof folder, "%s", to);
	char *slash = strrchr(folder, '/');
	if (slash != NULL)
		slash[slash == folder ? 1 : 0] = '\0';
	if (sync_path(from, 0) != 0 || rename(from, to) != 0 ||
	    sync_path(slash != NULL ? folder : ".", O_DIRECTORY) != 0)
		return error_from_errno(error, errno, "write", to);
	return 0;
}

static int read_all(int fd, unsigned char *bytes, size_t room, size_t *length)
{
	size_t got = 0;
	while (got < room) {
		ssize_t n = read(fd, bytes + got, room - got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		got += (size_t)n;
	}
	*length = got;
	return 0;
}

int file_read_open(int fd, const char *path, size_t max, unsigned char **bytes, size_t *length,
                   struct qlstm_error *error)
{
	struct stat status;
	size_t got = 0;
	if (fstat(fd, &status) != 0)
		return error_from_errno(error, errno, "read", path);
	if (!S_ISREG(status.st_mode))
		return error_set(error, ERR_IO, NULL, "%s is not a file", path);
	if ((uintmax_t)status.st_size > max)
		return error_set(error, ERR_TOO_LARGE, NULL, "%s is larger than %zu bytes", path, max);
	size_t room = (size_t)status.st_size;
	unsigned char *buffer = malloc(room + 1);
	if (buffer == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "no memory for the %zu bytes of %s", room, path);
	if (read_all(fd, buffer, room, &got) != 0) {
		int rc = error_from_errno(error, errno, "read", path);
		free(buffer);
		return rc;
	}
	buffer[got] = '\0';
	*bytes = buffer;
	*length = got;
	return 0;
}

int file_read(const char *path, size_t max, unsigned char **bytes, size_t *length, struct qlstm_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_from_errno(error, errno, "open", path);
	int rc = file_read_open(fd, path, max, bytes, length, error);
	close(fd);
	return rc;
}

/* Makes an entry that was just created in `path`'s parent survive a power cut. */
static int sync_parent(const char *path, struct qlstm_error *error)
{
	char parent[PATH_MAX];
	snprintf(parent, sizeof parent, "%s", path);
	char *slash = strrchr(parent, '/');
	if (slash == NULL)
		memcpy(parent, ".", 2);
	else
		slash[slash == parent ? 1 : 0] = '\0';
	int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_from_errno(error, errno, "open", parent);
	int rc = fsync(fd) == 0 ? 0 : error_from_errno(error, errno, "sync", parent);
	close(fd);
	return rc;
}

static int make_one(const char *path, struct qlstm_error *error)
{
	if (mkdir(path, 0700) == 0)
		return sync_parent(path, error);
	int number = errno;
	struct stat status;
	if (number == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return 0;
	return error_from_errno(error, number, "make the directory", path);
}

int file_make_directory(const char *path, struct qlstm_error *error)
{
	char part[PATH_MAX];
	size_t length = strlen(path);
	if (length == 0 || length >= sizeof part)
		return error_from_errno(error, ENAMETOOLONG, "make the directory", path);
	memcpy(part, path, length + 1);
	for (char *slash = part + 1; *slash != '\0'; slash++) {
		if (*slash != '/')
			continue;
		*slash = '\0';
		int rc = make_one(part, error);
		if (rc != 0)
			return rc;
		*slash = '/';
	}
	return make_one(part, error);
}

/* Removes the entry `name` of `parent` and all below it; 0 or an errno. A link is removed, not followed. */
static int remove_entry(int parent, const char *name, int depth)
{
	if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return errno;
	if (depth >= MAX_TREE_DEPTH)
		return ELOOP;
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : errno; /* somebody else was quicker */
	DIR *directory = fdopendir(fd);
	if (directory == NULL) {
		int number = errno;
		close(fd);
		return number;
	}
	int number = 0;
	for (struct dirent *entry; number == 0 && (errno = 0, entry = readdir(directory)) != NULL;)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			number = remove_entry(fd, entry->d_name, depth + 1);
	closedir(directory);
	if (number == 0 && unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
		number = errno;
	return number;
}

int file_remove_tree(const char *path, struct qlstm_error *error)
{
	int number = remove_entry(AT_FDCWD, path, 0);
	return number == 0 ? 0 : error_from_errno(error, number, "remove", path);
}

static void hash_to_hex(const unsigned char hash[crypto_hash_sha256_BYTES], char out[65])
{
	sodium_bin2hex(out, 65, hash, crypto_hash_sha256_BYTES);
}

void sha256_hex(const void *bytes, size_t length, char out[65])
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	crypto_hash_sha256(hash, bytes, length);
	hash_to_hex(hash, out);
}

int sha256_open_file(int fd, const char *path, char out[65], size_t *bytes, struct qlstm_error *error)
{
	crypto_hash_sha256_state state;
	crypto_hash_sha256_init(&state);
	unsigned char block[BLOCK_BYTES];
	size_t total = 0, got = 0;
	int rc = 0;
	do {
		if (read_all(fd, block, sizeof block, &got) != 0) {
			rc = error_from_errno(error, errno, "read", path);
			break;
		}
		crypto_hash_sha256_update(&state, block, got);
		total += got;
	} while (got == sizeof block);
	if (rc != 0)
		return rc;
	unsigned char hash[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_final(&state, hash);
	hash_to_hex(hash, out);
	if (bytes != NULL)
		*bytes = total;
	return 0;
}

int sha256_file(const char *path, char out[65], size_t *bytes, struct qlstm_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return error_from_errno(error, errno, "open", path);
	int rc = sha256_open_file(fd, path, out, bytes, error);
	close(fd);
	return rc;
}
