/* gzip, by zlib. */
#include "server/common/gzip.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { FIRST_ROOM = 1 << 16, CHUNK = 1 << 30, ONLY_GZIP = 16 + MAX_WBITS };

struct unpacking {
	z_stream stream;
	const unsigned char *bytes;
	size_t length, at; /* packed; `at` is the next to be read */
	unsigned char *out;
	size_t room, used, limit; /* unpacked */
	struct spool *spool;      /* where it goes as soon as the buffer is full; NULL: it stays in `out` */
	size_t written;
};

bool gzip_sniff(const unsigned char *bytes, size_t length)
{
	return length >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

/* What is in the buffer to the spool. */
static int flush(struct unpacking *unpacking, struct qlstm_error *error)
{
	int rc = spool_write(unpacking->spool, unpacking->out, unpacking->used, error);
	if (rc != 0)
		return rc;
	unpacking->written += unpacking->used;
	unpacking->used = 0;
	return 0;
}

/* Room for more, at most for one byte past the limit: then it is known that there are too many. */
static int grow(struct unpacking *unpacking, struct qlstm_error *error)
{
	if (unpacking->spool != NULL && unpacking->room > 0)
		return flush(unpacking, error);
	size_t most = unpacking->limit + 1, room = unpacking->room == 0 ? FIRST_ROOM : unpacking->room * 2;
	if (room > most)
		room = most;
	unsigned char *larger = realloc(unpacking->out, room + 1);
	if (larger == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for %zu bytes of unpacked data", room);
	unpacking->out = larger;
	unpacking->room = room;
	return 0;
}

/* One call of inflate; its own answer, from Z_BUF_ERROR down an error. */
static int step(struct unpacking *unpacking)
{
	z_stream *stream = &unpacking->stream;
	size_t left = unpacking->length - unpacking->at, room = unpacking->room - unpacking->used;
	stream->next_in = (z_const Bytef *)unpacking->bytes + unpacking->at;
	stream->avail_in = (uInt)(left < CHUNK ? left : CHUNK);
	stream->next_out = unpacking->out + unpacking->used;
	stream->avail_out = (uInt)(room < CHUNK ? room : CHUNK);
	size_t before_in = stream->avail_in, before_out = stream->avail_out;
	int answer = inflate(stream, Z_NO_FLUSH);
	unpacking->at += before_in - stream->avail_in;
	unpacking->used += before_out - stream->avail_out;
	return answer;
}

/* Goes on with the member behind one that has ended. */
static int next_member(struct unpacking *unpacking, struct qlstm_error *error)
{
	size_t left = unpacking->length - unpacking->at;
	if (!gzip_sniff(unpacking->bytes + unpacking->at, left))
		return error_set(error, ERR_SYNTAX, NULL, "byte %zu: %zu bytes follow the end of the gzip data",
		                 unpacking->at, left);
	inflateReset(&unpacking->stream);
	return 0;
}

static int unpack(struct unpacking *unpacking, struct qlstm_error *error)
{
	for (;;) {
		int rc = unpacking->used == unpacking->room ? grow(unpacking, error) : 0;
		if (rc != 0)
			return rc;
		int answer = step(unpacking);
		if (unpacking->written + unpacking->used > unpacking->limit)
			return error_set(error, ERR_TOO_LARGE, NULL,
			                 "the gzip data unpack to more than %zu bytes, the limit", unpacking->limit);
		if (answer == Z_STREAM_END && unpacking->at == unpacking->length)
			return 0;
		if (answer == Z_STREAM_END)
			rc = next_member(unpacking, error);
		else if (answer == Z_MEM_ERROR)
			rc = error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory to unpack gzip data");
		else if (answer != Z_OK && answer != Z_BUF_ERROR)
			rc = error_set(error, ERR_SYNTAX, NULL, "byte %zu: the gzip data are damaged (%s)",
			               unpacking->at,
			               unpacking->stream.msg != NULL ? unpacking->stream.msg : "needs a dictionary");
		else if (unpacking->at == unpacking->length && unpacking->used < unpacking->room)
			rc = error_set(error, ERR_SYNTAX, NULL, "byte %zu: the gzip data end too early", unpacking->at);
		if (rc != 0)
			return rc;
	}
}

int gzip_unpack(const unsigned char *bytes, size_t length, size_t limit, unsigned char **out, size_t *out_length,
                struct qlstm_error *error)
{
	struct unpacking unpacking = {.bytes = bytes, .length = length, .limit = limit};
	if (inflateInit2(&unpacking.stream, ONLY_GZIP) != Z_OK)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory to unpack gzip data");
	int rc = unpack(&unpacking, error);
	inflateEnd(&unpacking.stream);
	if (rc != 0) {
		free(unpacking.out);
		return rc;
	}
	unpacking.out[unpacking.used] = '\0';
	*out = unpacking.out;
	*out_length = unpacking.used;
	return 0;
}

int gzip_unpack_spool(const unsigned char *bytes, size_t length, size_t limit, struct spool *spool,
                      struct qlstm_error *error)
{
	struct unpacking unpacking = {.bytes = bytes, .length = length, .limit = limit, .spool = spool};
	if (inflateInit2(&unpacking.stream, ONLY_GZIP) != Z_OK)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory to unpack gzip data");
	int rc = unpack(&unpacking, error);
	if (rc == 0)
		rc = flush(&unpacking, error);
	inflateEnd(&unpacking.stream);
	free(unpacking.out);
	return rc;
}

unsigned long gzip_checksum(const unsigned char *bytes, size_t length)
{
	return crc32_z(0, bytes, length);
}
