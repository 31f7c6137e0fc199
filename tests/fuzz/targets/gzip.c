/* Packed files, of any kind, with nothing declared. */
#include "tests/fuzz/data_file.h"

#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return check_data_file(NULL, data, size);
}

static size_t pack(const void *bytes, size_t length, int level, unsigned char *out, size_t room)
{
	z_stream stream = {0};
	CHECK(deflateInit2(&stream, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	stream.next_in = (unsigned char *)(uintptr_t)bytes;
	stream.avail_in = (unsigned)length;
	stream.next_out = out;
	stream.avail_out = (unsigned)room;
	CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
	deflateEnd(&stream);
	return stream.total_out;
}

void target_seeds(target_give *give, void *context)
{
	static const char csv[] = "a,b\n1,2\n3,4\n", idx[] = "\0\0\x08\x01\0\0\0\x03"
	                                                     "abc";
	static unsigned char packed[16384], twice[16384];
	static char large[1 << 21];
	for (int level = 0; level <= 9; level += 9) {
		size_t length = pack(csv, sizeof csv - 1, level, packed, sizeof packed);
		give(context, packed, length);
		give(context, twice, pack(packed, length, level, twice, sizeof twice));
		memcpy(packed + length, packed, length); /* two members */
		give(context, packed, 2 * length);
		give(context, packed, pack(idx, sizeof idx - 1, level, packed, sizeof packed));
	}
	memset(large, '1', sizeof large);
	give(context, packed, pack(large, sizeof large, 9, packed, sizeof packed));
	give(context, packed, pack("", 0, 9, packed, sizeof packed));
}
