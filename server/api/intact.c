/* Result files against what was recorded, with a memory of those that were found to be right. */
#include "server/api/intact.h"

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
	struct identity identity;
	memset(&identity, 0, sizeof identity); /* compared as bytes */
	identity.device = state->st_dev;
	identity.number = state->st_ino;
	identity.size = state->st_size;
	identity.changed.tv_sec = state->st_ctim.tv_sec;
	identity.changed.tv_nsec = state->st_ctim.tv_nsec;
	snprintf(identity.sha256, sizeof identity.sha256, "%s", sha256);
	return identity;
}

static bool is_known(const struct identity *identity)
{
	pthread_mutex_lock(&lock);
	bool same = memcmp(&known[identity->number % SLOTS], identity, sizeof *identity) == 0;
	pthread_mutex_unlock(&lock);
	return same;
}

static void remember(const struct identity *identity)
{
	pthread_mutex_lock(&lock);
	memcpy(&known[identity->number % SLOTS], identity, sizeof *identity);
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
