/* Request bodies. */
#include "server/http/mhd/body.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "engine/error.h"
#include "server/common/file.h"

#define FIRST_CAPACITY 4096
#define ROOM_EVERY     ((size_t)16 << 20) /* bytes of a body between two looks at the disk */
#define ROOM_LEFT      (256ULL << 20)     /* on the disk, or where it is small the SHARE_LEFT-th part of it */
#define SHARE_LEFT     16

static int body_grow(struct body *body, struct body_budget *budget, size_t needed)
{
	size_t capacity = body->capacity > 0 ? body->capacity : FIRST_CAPACITY;
	while (capacity < needed)
		capacity *= 2;
	if (capacity - body->capacity > budget->limit - budget->used)
		return ERR_UNAVAILABLE;
	unsigned char *larger = realloc(body->bytes, capacity);
	if (larger == NULL)
		return ERR_UNAVAILABLE;
	budget->used += capacity - body->capacity;
	body->bytes = larger;
	body->capacity = capacity;
	return 0;
}

/* A file of which nobody knows the name; it goes with its descriptor. */
static int open_file(const char *folder)
{
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 || errno != EOPNOTSUPP)
		return fd;
	char *path = NULL;
	if (asprintf(&path, "%s/.body.XXXXXX.tmp", folder) < 0)
		return -1;
	fd = mkostemps(path, 4, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	free(path);
	return fd;
}

static int write_file(const struct body *body, const void *bytes, size_t count)
{
	if (file_write_all(body->file - 1, bytes, count) == 0)
		return 0;
	return errno == ENOSPC || errno == EDQUOT ? ERR_DISK_FULL : ERR_UNAVAILABLE;
}

/* Asked now and then: an upload must not take the room that experiments need. */
static int check_room(const struct body *body, size_t count)
{
	struct statvfs disk;
	if (body->length / ROOM_EVERY == (body->length + count) / ROOM_EVERY && body->length > 0)
		return 0;
	if (fstatvfs(body->file - 1, &disk) != 0)
		return 0;
	unsigned long long left = (unsigned long long)disk.f_blocks * disk.f_frsize / SHARE_LEFT;
	left = left < ROOM_LEFT ? left : ROOM_LEFT;
	return (unsigned long long)disk.f_bavail * disk.f_frsize < left ? ERR_DISK_FULL : 0;
}

/* What is in memory so far goes first. */
static int spool(struct body *body, struct body_budget *budget, const void *bytes, size_t count)
{
	int rc = 0;
	if (body->file == 0) {
		int fd = open_file(body->spool);
		if (fd < 0)
			return errno == ENOSPC ? ERR_DISK_FULL : ERR_UNAVAILABLE;
		body->file = fd + 1;
		rc = write_file(body, body->bytes, body->length);
		budget->used -= body->capacity;
		free(body->bytes);
		body->bytes = NULL;
		body->capacity = 0;
	}
	if (rc == 0)
		rc = check_room(body, count);
	if (rc == 0)
		rc = write_file(body, bytes, count);
	body->length += count;
	return rc;
}

int body_append(struct body *body, struct body_budget *budget, const void *bytes, size_t count)
{
	int rc = count > body->limit - body->length ? ERR_TOO_LARGE : 0;
	bool large = body->spool != NULL && body->length + count > BODY_IN_MEMORY;
	if (rc == 0 && large)
		rc = spool(body, budget, bytes, count);
	else if (rc == 0 && body->length + count > body->capacity)
		rc = body_grow(body, budget, body->length + count);
	if (rc != 0) {
		body_clear(body, budget);
		return rc;
	}
	if (large)
		return 0;
	memcpy(body->bytes + body->length, bytes, count);
	body->length += count;
	return 0;
}

int body_finish(struct body *body)
{
	if (body->file == 0)
		return 0;
	void *bytes = mmap(NULL, body->length, PROT_READ, MAP_PRIVATE, body->file - 1, 0);
	if (bytes == MAP_FAILED)
		return ERR_UNAVAILABLE;
	body->bytes = bytes;
	body->mapped = true;
	return 0;
}

void body_clear(struct body *body, struct body_budget *budget)
{
	budget->used -= body->capacity;
	if (body->mapped)
		munmap(body->bytes, body->length);
	else
		free(body->bytes);
	if (body->file != 0)
		close(body->file - 1);
	*body = (struct body){.limit = body->limit, .spool = body->spool};
}
