/* The weights' file of an experiment, in memory. */
#include "server/api/export/weights_file.h"

#include <sys/mman.h>
#include <unistd.h>

#include "server/api/request.h"

static int map(int fd, size_t length, size_t limit, const char *format, struct weights_file *out,
               struct qlstm_error *error)
{
	if (length > limit)
		return error_set(error, ERR_TOO_LARGE, NULL, "the weights take %zu bytes; %s is for up to %zu", length,
		                 format, limit);
	if (lseek(fd, 0, SEEK_END) != (off_t)length)
		return error_set(error, ERR_CORRUPT, NULL, "the weights do not have the size that was recorded");
	void *bytes = mmap(NULL, length, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return error_set(error, ERR_IO, NULL, "the weights cannot be read");
	*out = (struct weights_file){bytes, length};
	return 0;
}

bool weights_file_open_or_reply(struct api *api, const struct http_request *request, struct http_reply *reply,
                                enum artifact which, size_t limit, const char *format, struct weights_file *out)
{
	struct qlstm_error error = {0};
	struct artifact_row row;
	int fd = artifact_open_or_reply(api, request, reply, which, &row);
	if (fd < 0)
		return false;
	int rc = map(fd, (size_t)row.bytes, limit, format, out, &error);
	close(fd);
	if (rc == ERR_TOO_LARGE)
		reply_problem_as(request, reply, 422, &error);
	else if (rc != 0)
		reply_problem(request, reply, &error);
	return rc == 0;
}

void weights_file_close(struct weights_file *file)
{
	munmap((void *)(uintptr_t)file->bytes, file->length);
	*file = (struct weights_file){0};
}

bool weights_epoch_or_reply(const struct http_request *request, struct http_reply *reply, enum artifact *which)
{
	static const char *const epochs[] = {"kept", "last", "best", NULL};
	static const enum artifact artifacts[] = {ARTIFACT_WEIGHTS, ARTIFACT_WEIGHTS_LAST, ARTIFACT_WEIGHTS_BEST};
	const char *text = http_query(request, "epoch");
	int epoch = 0;
	if (text != NULL && *text >= '0' && *text <= '9') {
		*which = ARTIFACT_SNAPSHOT_WEIGHTS;
		return query_int_or_reply(request, reply, "epoch", 1, MAX_EPOCH, &epoch);
	}
	if (!query_choice_or_reply(request, reply, "epoch", epochs, &epoch))
		return false;
	*which = artifacts[epoch];
	return true;
}
