/* What a thing that is opened and closed leaves behind. Include behind cmocka.h. */
#ifndef QLSTM_TESTS_HEAP_H
#define QLSTM_TESTS_HEAP_H

#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

/* First in main: starts the program anew without the allocator's cache of freed blocks, which count as in use. */
static inline void heap_count_exactly(char **argv)
{
	if (getenv("GLIBC_TUNABLES") == NULL && setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1) == 0)
		execv("/proc/self/exe", argv);
}

static inline size_t heap_in_use(void)
{
	struct mallinfo2 info = mallinfo2();
	return info.uordblks + info.hblkhd;
}

/* Runs `cycle` 16 times, and again until that leaves nothing: what it forgets once a run shows in every round, what is
 * made once for good in the first. Under AddressSanitizer, which counts for itself, the sizes are 0. */
static inline void assert_leaves_nothing(void (*cycle)(void))
{
	size_t left = 0;
	for (int round = 0; round < 4; round++) {
		size_t before = heap_in_use();
		for (int k = 0; k < 16; k++)
			cycle();
		size_t after = heap_in_use();
		if (after < before + 16 * sizeof(void *))
			return;
		left = after - before;
	}
	fail_msg("%zu bytes are left behind by 16 runs", left);
}

#endif
