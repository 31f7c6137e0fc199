/* The Range header: a part lies inside the whole, and asked for by its own numbers it is the same part. The first two
 * bytes are the length of the whole. */
#include "tests/fuzz/target.h"

#include "server/http/range.h"

static void check_part(size_t length, size_t first, size_t count)
{
	char again[64];
	size_t other = 0, others = 0;
	CHECK(count > 0 && first < length && count <= length - first);
	snprintf(again, sizeof again, "bytes=%zu-%zu", first, first + count - 1);
	CHECK(range_parse(again, length, &other, &others) == RANGE_PART && other == first && others == count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	size_t first = 0, count = 0, length = data[0] == 255 ? SIZE_MAX - data[1] : data[0] * (size_t)256 + data[1];
	char *text = malloc(size - 1);
	CHECK(text != NULL);
	memcpy(text, data + 2, size - 2);
	text[size - 2] = '\0';
	if (range_parse(text, length, &first, &count) == RANGE_PART)
		check_part(length, first, count);
	free(text);
	return 0;
}

void target_seeds(target_give *give, void *context)
{
	static const char *const texts[] = {
	    "\1\1bytes=0-0",    "\1\1bytes=5-",
	    "\1\1bytes=-5",     "\1\1bytes=0-99999999999999999999",
	    "\1\1bytes=9-5",    "\1\1bytes=0-1,3-4",
	    "\1\1BYTES=1-2",    "\1\1lines=1-2",
	    "\1\1bytes=257-",   "\1\1bytes=-0",
	    "\377\377bytes=1-", "\377\1bytes=18446744073709551614-18446744073709551615"};
	GIVE_TEXTS(texts);
}
