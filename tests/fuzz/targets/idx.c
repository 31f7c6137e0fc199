/* IDX, the format of MNIST. */
#include "tests/fuzz/data_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return check_data_file("idx", data, size);
}

static void give_array(target_give *give, void *context, unsigned type, unsigned n_dimensions, const unsigned *sizes,
                       size_t length)
{
	unsigned char file[512] = {0, 0, (unsigned char)type, (unsigned char)n_dimensions};
	size_t at = 4;
	for (unsigned i = 0; i < n_dimensions; i++)
		for (int shift = 24; shift >= 0; shift -= 8)
			file[at++] = (unsigned char)(sizes[i] >> shift);
	for (size_t i = 0; i < length; i++)
		file[at++] = i % 8 == 0 ? 0x3f : (unsigned char)(i * 41);
	give(context, file, at);
}

void target_seeds(target_give *give, void *context)
{
	static const unsigned types[][2] = {{0x08, 1}, {0x09, 1}, {0x0b, 2}, {0x0c, 4},
	                                    {0x0d, 4}, {0x0e, 8}, {0x0f, 1}};
	static const unsigned sizes[] = {3, 2, 2, 1, 1, 1, 1, 1, 1}, large[] = {0xffffffff, 0xffffffff, 2};
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		give_array(give, context, types[i][0], 2, sizes, (size_t)6 * types[i][1]);
	give_array(give, context, 0x08, 1, sizes, 3);
	give_array(give, context, 0x08, 3, sizes, 12);
	give_array(give, context, 0x08, 9, sizes, 12);
	give_array(give, context, 0x0e, 3, large, 16);
	give_array(give, context, 0x08, 0, sizes, 1);
}
