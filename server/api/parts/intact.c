/* Result files against what was recorded, with a memory of those that were found to be right. */
#include "server/api/parts/intact.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/common/file.h"

#define SLOTS 512

/* What cannot stay the same when a file's bytes change. */
struct identity {
	dev_t device;
	ino_t number;
	off_t size;
	struct timespec changed;
	char sha256[65]; /* that it was compared with */
};

static struct identity known[SLOTS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct identity identity_of(const struct stat *state, const char *sha256)
{
	struct identity identity = {
	    .device = state->st_dev, .number = state->st_ino, .size = state->st_size, .changed = state->st_ctim};
	snprintf(identity.sha256, sizeof identity.sha256, "%s", sha256);
	return identity;
}

static bool is_same(const struct identity *a, const struct identity *b)
{
	return a->device == b->device && a->number == b->number && a->size == b->size &&
	       a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec &&
	       strcmp(a->sha256, b->sha256) == 0;
}

static bool is_known(const struct identity *identity)
{
	pthread_mutex_lock(&lock);
	bool same = is_same(&known[identity->number % SLOTS], identity);
	pthread_mutex_unlock(&lock);
	return same;
}

static void remember(const struct identity *identity)
{
	pthread_mutex_lock(&lock);
	known[identity->number % SLOTS] = *identity;
	pthread_mutex_unlock(&lock);
}

int file_check_intact(int fd, size_t bytes, const char *sha256, struct qlstm_error *error)
{
	struct stat state;
	if (fstat(fd, &state) != 0)
		return error_set(error, ERR_IO, NULL, "the file cannot be looked at");
	if (state.st_size != (off_t)bytes)
		return error_set(error, ERR_CORRUPT, NULL, "the file has %lld bytes, %zu were recorded",
		                 (long long)state.st_size, bytes);
	struct identity identity = identity_of(&state, sha256);
	if (is_known(&identity))
		return 0;
	char found[65];
	size_t size = 0;
	int rc = sha256_open_file(fd, "the file", found, &size, error);
	if (rc == 0 && lseek(fd, 0, SEEK_SET) != 0)
		rc = error_set(error, ERR_IO, NULL, "the file cannot be read again");
	if (rc != 0)
		return rc;
	if (strcmp(found, sha256) != 0)
		return error_set(error, ERR_CORRUPT, NULL, "the file's SHA-256 is not the one recorded");
	remember(&identity);
	return 0;
}
