/* Runs a fuzz target without libFuzzer: on its seeds and on copies of them that are spoiled in a few places, the same
 * ones each time; or on files.
 *   csv                   the seeds, and ROUNDS spoiled copies
 *   csv --rounds 100000   more of them
 *   csv --seeds FOLDER    writes the seeds there, as a first corpus
 *   csv FILE ...          these inputs: what a fuzzer found
 * An input that ends the program is left in a file, whose name is printed. */
#include "tests/fuzz/target.h"

#include <signal.h>
#include <unistd.h>

#include "engine/philox.h"

enum { ROUNDS = 2000, MAX_SEEDS = 64, MAX_LENGTH = 1 << 16 };

static struct seed {
	unsigned char *bytes;
	size_t length;
} seeds[MAX_SEEDS];
static size_t n_seeds;

static void keep(void *context, const void *bytes, size_t length)
{
	(void)context;
	CHECK(n_seeds < MAX_SEEDS && length <= MAX_LENGTH / 2);
	struct seed *seed = &seeds[n_seeds++];
	seed->bytes = malloc(length > 0 ? length : 1);
	CHECK(seed->bytes != NULL);
	if (length > 0)
		memcpy(seed->bytes, bytes, length);
	seed->length = length;
}

static const unsigned char *running;
static size_t running_length;

static void leave_input(int number)
{
	char path[] = "/tmp/fuzz-input-XXXXXX";
	int file = mkstemp(path);
	if (file >= 0 && write(file, running, running_length) == (ssize_t)running_length)
		fprintf(stderr, "the input is in %s\n", path);
	raise(number); /* the handler stands no longer */
}

/* A block of exactly its size, so that a sanitizer sees a read past its end. */
static void run(const unsigned char *bytes, size_t length)
{
	running = bytes;
	running_length = length;
	unsigned char *copy = malloc(length > 0 ? length : 1);
	CHECK(copy != NULL);
	if (length > 0)
		memcpy(copy, bytes, length);
	LLVMFuzzerTestOneInput(copy, length);
	free(copy);
}

static size_t below(struct philox *rng, size_t bound)
{
	return bound > 0 ? philox_below(rng, (uint32_t)bound) : 0;
}

/* `count` bytes at `at` of *length become `n` bytes of `with`. */
static void replace(unsigned char *bytes, size_t *length, size_t at, size_t count, const unsigned char *with, size_t n)
{
	if (*length - count + n > MAX_LENGTH)
		return;
	memmove(bytes + at + n, bytes + at + count, *length - at - count);
	if (n > 0)
		memcpy(bytes + at, with, n);
	*length = *length - count + n;
}

static void spoil(struct philox *rng, unsigned char *bytes, size_t *length)
{
	static const char odd[] = "\0\xff\x7f\x80\"\\{}[],:-.09eE \n\r\t/%";
	unsigned char piece[64];
	const struct seed *other = &seeds[below(rng, n_seeds)];
	size_t at = below(rng, *length + 1), rest = *length - at, from = below(rng, other->length + 1);
	size_t count = below(rng, rest + 1), n = below(rng, sizeof piece + 1);
	if (n > other->length - from)
		n = other->length - from;
	if (n > 0)
		memcpy(piece, other->bytes + from, n);
	switch (philox_below(rng, 7)) {
	case 0: /* one bit */
		if (rest > 0)
			bytes[at] ^= (unsigned char)(1U << philox_below(rng, 8));
		break;
	case 1: /* one byte becomes an odd one, or one is put in */
		piece[0] = (unsigned char)odd[philox_below(rng, sizeof odd)];
		replace(bytes, length, at, rest > 0 ? philox_below(rng, 2) : 0, piece, 1);
		break;
	case 2: /* the end is missing */
		*length = at;
		break;
	case 3: /* some bytes are missing */
		replace(bytes, length, at, count < 9 ? count : below(rng, 9), NULL, 0);
		break;
	case 4: /* a piece twice */
		n = count < sizeof piece ? count : sizeof piece;
		memcpy(piece, bytes + at, n);
		replace(bytes, length, at, 0, piece, n);
		break;
	case 5: /* a piece of another seed, put in */
		replace(bytes, length, at, 0, piece, n);
		break;
	default: /* the same, in place of as many bytes */
		replace(bytes, length, at, n < rest ? n : rest, piece, n);
	}
}

static void run_spoiled(unsigned rounds)
{
	static unsigned char bytes[MAX_LENGTH];
	struct philox rng;
	for (unsigned round = 0; round < rounds; round++) {
		philox_open(&rng, 1, PHILOX_TEST, round);
		const struct seed *seed = &seeds[round % n_seeds];
		size_t length = seed->length;
		memcpy(bytes, seed->bytes, length);
		for (unsigned left = 1 + philox_below(&rng, 4); left > 0; left--)
			spoil(&rng, bytes, &length);
		run(bytes, length);
	}
}

static void write_seeds(const char *folder)
{
	char path[4096];
	for (size_t i = 0; i < n_seeds; i++) {
		snprintf(path, sizeof path, "%s/seed-%zu", folder, i);
		FILE *file = fopen(path, "wb");
		CHECK(file != NULL);
		CHECK(fwrite(seeds[i].bytes, 1, seeds[i].length, file) == seeds[i].length);
		CHECK(fclose(file) == 0);
	}
}

static void run_file(const char *path)
{
	static unsigned char bytes[1 << 24];
	FILE *file = fopen(path, "rb");
	CHECK(file != NULL);
	size_t length = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	run(bytes, length);
	printf("%s: held\n", path);
}

int main(int argc, char **argv)
{
	unsigned rounds = ROUNDS;
	const struct sigaction leave = {.sa_handler = leave_input, .sa_flags = (int)SA_RESETHAND};
	sigaction(SIGABRT, &leave, NULL);
	sigaction(SIGSEGV, &leave, NULL);
	target_seeds(keep, NULL);
	if (argc == 3 && strcmp(argv[1], "--seeds") == 0) {
		write_seeds(argv[2]);
	} else if (argc > 1 && strcmp(argv[1], "--rounds") != 0) {
		for (int i = 1; i < argc; i++)
			run_file(argv[i]);
	} else {
		if (argc == 3)
			rounds = (unsigned)strtoul(argv[2], NULL, 10);
		for (size_t i = 0; i < n_seeds; i++)
			run(seeds[i].bytes, seeds[i].length);
		run_spoiled(rounds);
		printf("%zu seeds and %u spoiled copies: held\n", n_seeds, rounds);
	}
	for (size_t i = 0; i < n_seeds; i++)
		free(seeds[i].bytes);
	return 0;
}
