/* malloc and its kin for programs that the Makefile links with --wrap: the n-th call of our own sources fails, those of
 * libraries do not. Example: left = 2; the third allocation from here gives NULL. Include in one file of a program. */
#ifndef QLSTM_TESTS_WRAPPED_ALLOCATION_H
#define QLSTM_TESTS_WRAPPED_ALLOCATION_H

#include <stdbool.h>
#include <stddef.h>

/* So many allocations go well and the next one does not; negative: all go well. One thread at a time. */
static int left = -1;

static bool fails_now(void)
{
	return left >= 0 && left-- == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
	return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
	return fails_now() ? NULL : __real_realloc(memory, size);
}

char *__wrap_strdup(const char *text)
{
	return fails_now() ? NULL : __real_strdup(text);
}

#endif
