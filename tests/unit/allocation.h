/* An allocator of which one call can be made to fail, the n-th from now, in this program and the libraries that it
 * uses. Include in one file of a program. A sanitizer has an allocator of its own: there no call fails. */
#ifndef QLSTM_TESTS_ALLOCATION_H
#define QLSTM_TESTS_ALLOCATION_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define ALLOCATIONS_FAIL false
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ALLOCATIONS_FAIL false
#endif
#endif
#ifndef ALLOCATIONS_FAIL
#define ALLOCATIONS_FAIL true
#endif

static volatile long allocations_until_failure = -1; /* -1: none fails */
static volatile bool allocation_failed;

/* glibc's, by the names under which it keeps them for programs with a malloc of their own. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static inline bool allocation_fails(void)
{
	if (allocations_until_failure < 0 || allocations_until_failure-- > 0)
		return false;
	allocation_failed = true;
	errno = ENOMEM;
	return true;
}

#if !(defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__)
void *malloc(size_t size)
{
	return allocation_fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return allocation_fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
	return allocation_fails() ? NULL : __libc_realloc(block, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return allocation_fails() ? NULL : __libc_memalign(alignment, size);
}
#endif

/* Calls `work` again and again, each time with a later allocation failing, until it needs no more. It returns a code of
 * engine/error.h, and by itself checks what it has made where that is 0. `foreign`: a library of others is among those
 * that fail, and whoever calls it cannot always tell why. */
static inline void assert_every_allocation_may_fail(int (*work)(void), bool foreign)
{
	for (long n = 0; ALLOCATIONS_FAIL; n += n < 400 ? 1 : 13) {
		allocation_failed = false;
		allocations_until_failure = n;
		int rc = work();
		allocations_until_failure = -1;
		/* Too large is what a planner says that could not try. */
		bool refused = foreign || rc == ERR_OUT_OF_MEMORY || rc == ERR_TOO_LARGE;
		if (rc != 0 && !(allocation_failed && refused))
			fail_msg("allocation %ld fails: %d", n, rc);
		if (!allocation_failed)
			return;
	}
}

#endif
