/* Time and ids. */
#ifndef QLSTM_COMMON_CLOCK_H
#define QLSTM_COMMON_CLOCK_H

#include <stdint.h>

int64_t clock_now_ms(void);   /* since 1970 UTC */
double clock_monotonic(void); /* seconds, for durations */
/* Since 1970 UTC, as it was when this process first asked, and what has passed since: whatever happens to the wall
 * clock after that does not count. *age, unless NULL: ms since that first call. Thread-safe. */
int64_t clock_steady_ms(int64_t *age);
/* "2026-11-21T09:31:00.123Z" (25 bytes with NUL). */
void clock_iso8601(int64_t ms, char out[25]);
/* A ULID: 48 bits of time, 80 random bits, strictly increasing within this process. Thread-safe. Needs sodium_init. */
void ulid_make(char out[27]);
/* Whether text has the form of one: 26 of Crockford's letters. */
int ulid_valid(const char *text);

#endif
