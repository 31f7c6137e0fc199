/* One block of memory dealt out to many arrays. The same code runs twice: over an arena without memory it counts, over
 * one with memory it hands out, so how much something takes and what it takes cannot disagree:
 *
 *   struct arena count = {0};
 *   lay_out(self, &count);                      // every arena_take gives NULL
 *   struct arena arena = {.base = aligned_alloc(ARENA_ALIGN, count.used)};
 *   lay_out(self, &arena); */
#ifndef QLSTM_ARENA_H
#define QLSTM_ARENA_H

#include <stddef.h>

#define ARENA_ALIGN 64 /* bytes: a cache line, and the widest vector */

struct arena {
	char *base;  /* aligned to ARENA_ALIGN; NULL while counting */
	size_t used; /* bytes, a multiple of ARENA_ALIGN */
};

/* `bytes` aligned to ARENA_ALIGN; NULL while counting. */
static inline void *arena_take(struct arena *arena, size_t bytes)
{
	char *start = arena->base != NULL ? arena->base + arena->used : NULL;
	arena->used += (bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
	return start;
}

static inline double *arena_take_numbers(struct arena *arena, size_t count)
{
	return arena_take(arena, count * sizeof(double));
}

#endif
