/* NumPy's .npy. */
#include "tests/fuzz/data_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	return check_data_file("npy", data, size);
}

/* Version 1.0 with this dictionary and `length` bytes of elements. */
static void give_array(target_give *give, void *context, int version, const char *dictionary, size_t length)
{
	unsigned char file[1024] = "\x93NUMPY";
	size_t start = version == 1 ? 10 : 12, padded = (start + strlen(dictionary) + 1 + 63) / 64 * 64;
	file[6] = (unsigned char)version;
	file[8] = (unsigned char)(padded - start);
	memset(file + start, ' ', padded - start);
	memcpy(file + start, dictionary, strlen(dictionary));
	file[padded - 1] = '\n';
	for (size_t i = 0; i < length; i++)
		file[padded + i] = i % 8 == 7 ? 0x3f : (unsigned char)(i * 37);
	give(context, file, padded + length);
}

void target_seeds(target_give *give, void *context)
{
	static const struct {
		int version;
		const char *dictionary;
		size_t length;
	} arrays[] = {
	    {1, "{'descr': '<f8', 'fortran_order': False, 'shape': (6,), }", 48},
	    {1, "{'descr': '<f8', 'fortran_order': True, 'shape': (3, 2), }", 48},
	    {2, "{'descr': '>f4', 'fortran_order': False, 'shape': (2, 3), }", 24},
	    {3, "{'descr': '|b1', 'fortran_order': False, 'shape': (5,), }", 5},
	    {1, "{'descr': '<i2', 'fortran_order': False, 'shape': (4, 1), }", 8},
	    {1, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2), }", 4},
	    {1, "{'descr': '<u8', 'fortran_order': False, 'shape': (3,), }", 24},
	    {1, "{'descr': '<f2', 'fortran_order': False, 'shape': (3,), }", 6},
	    {1, "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 8},
	    {1, "{'descr': '<f8', 'fortran_order': False, 'shape': (), }", 8},
	    {1, "{'descr': '<f8', 'fortran_order': False, 'shape': (18446744073709551615, 2), }", 8},
	};
	for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
		give_array(give, context, arrays[i].version, arrays[i].dictionary, arrays[i].length);
}
