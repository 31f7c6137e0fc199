/* Time and ids. */
#include "server/common/clock.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

enum { ULID_BYTES = 16, ULID_TIME_BYTES = 6, ULID_LETTERS = 26 };

int64_t clock_now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

double clock_monotonic(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int64_t first_wall;
static double first_monotonic;

static void read_both(void)
{
	first_wall = clock_now_ms();
	first_monotonic = clock_monotonic();
}

int64_t clock_steady_ms(int64_t *age)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, read_both);
	int64_t passed = (int64_t)((clock_monotonic() - first_monotonic) * 1000);
	if (age != NULL)
		*age = passed;
	return first_wall + passed;
}

void clock_iso8601(int64_t ms, char out[25])
{
	/* Whole seconds are rounded down, before 1970 too; what no four digits can write is shown as the epoch. */
	int fraction = (int)(ms % 1000);
	time_t seconds = (time_t)(ms / 1000 - (fraction < 0));
	if (fraction < 0)
		fraction += 1000;
	struct tm parts;
	if (gmtime_r(&seconds, &parts) == NULL || parts.tm_year < -1900 || parts.tm_year > 8099) {
		memcpy(out, "1970-01-01T00:00:00.000Z", 25);
		return;
	}
	char text[96];
	snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900, parts.tm_mon + 1,
	         parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, fraction);
	memcpy(out, text, 24);
	out[24] = '\0';
}

/* The number that follows `bytes`, big-endian; it never overflows in practice: the first random bit is kept 0. */
static void bytes_increment(unsigned char *bytes, int count)
{
	for (int i = count - 1; i >= 0; i--)
		if (++bytes[i] != 0)
			return;
}

static void ulid_next(unsigned char bytes[ULID_BYTES])
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static unsigned char last[ULID_BYTES];
	int64_t now = clock_now_ms();
	unsigned char time_bytes[ULID_TIME_BYTES];
	for (int i = 0; i < ULID_TIME_BYTES; i++)
		time_bytes[i] = (unsigned char)(now >> (8 * (ULID_TIME_BYTES - 1 - i)));

	pthread_mutex_lock(&lock);
	/* Within one millisecond, and after the clock was set back, ids go on counting from the last one. */
	if (memcmp(time_bytes, last, ULID_TIME_BYTES) > 0) {
		memcpy(last, time_bytes, ULID_TIME_BYTES);
		randombytes_buf(last + ULID_TIME_BYTES, ULID_BYTES - ULID_TIME_BYTES);
		last[ULID_TIME_BYTES] &= 0x7f;
	} else {
		bytes_increment(last, ULID_BYTES);
	}
	memcpy(bytes, last, ULID_BYTES);
	pthread_mutex_unlock(&lock);
}

void ulid_make(char out[27])
{
	unsigned char bytes[ULID_BYTES];
	ulid_next(bytes);
	/* 128 bits in 26 letters of 5: the first letter carries only three. */
	for (int letter = 0; letter < ULID_LETTERS; letter++) {
		unsigned value = 0;
		for (int bit = 5 * letter - 2; bit < 5 * letter + 3; bit++)
			value = value << 1 | (bit < 0 ? 0u : (unsigned)bytes[bit / 8] >> (7 - bit % 8) & 1u);
		out[letter] = crockford[value];
	}
	out[ULID_LETTERS] = '\0';
}

int ulid_valid(const char *text)
{
	if (strnlen(text, ULID_LETTERS + 1) != ULID_LETTERS || text[0] > '7')
		return 0;
	return strspn(text, crockford) == ULID_LETTERS;
}
