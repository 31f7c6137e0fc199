/* Generators of sequences of words. */
#include "engine/data/tasks/word_tasks.h"

#include <string.h>

#include "engine/philox.h"
#include "engine/rows.h"

/* Seed of all of them: the data are the same for everybody. */
enum { TASKS_SEED = 1 };

struct word_rows {
	double *input, *target, *scored;
};

static struct word_rows rows_of(double *values, size_t n)
{
	return (struct word_rows){values, values + n, values + 2 * n};
}

static void open_sequence(struct philox *rng, size_t sequence)
{
	philox_open(rng, TASKS_SEED, PHILOX_DATA, (uint32_t)sequence);
}

int word_task_simple_seq(double *values, size_t n, struct qlstm_error *error)
{
	const struct word_rows rows = rows_of(values, n);
	(void)error;
	for (size_t i = 0; i < n; i++) {
		rows.input[i] = i / SIMPLE_SEQ_LENGTH % 2 == 0 ? (double)(i % SIMPLE_SEQ_LENGTH % 4) : 4.0;
		rows.target[i] = rows.input[i];
		rows.scored[i] = ROW_DRAWN;
	}
	return 0;
}

int word_task_simple_quotes(double *values, size_t n, struct qlstm_error *error)
{
	static const char alphabet[] = WORD_ALPHABET;
	static const char *const quotes[QUOTES] = {
	    "brevity is the soul of wit.",
	    "to be, or not to be, that is the question.",
	    "all that glisters is not gold.",
	    "the lady doth protest too much, methinks.",
	    "we know what we are, but know not what we may be.",
	    "love all, trust a few, do wrong to none.",
	};
	const struct word_rows rows = rows_of(values, n);
	(void)error;
	for (size_t i = 0; i < n; i++) {
		const char *quote = quotes[i / QUOTES_LENGTH % QUOTES];
		size_t place = i % QUOTES_LENGTH;
		char letter = place < strlen(quote) ? quote[place] : ' ';
		bool consonant = letter >= 'a' && letter <= 'z' && strchr("aeiou", letter) == NULL;
		rows.input[i] = (double)(strchr(alphabet, letter) - alphabet);
		rows.target[i] = rows.input[i];
		rows.scored[i] = consonant ? ROW_GIVEN : ROW_DRAWN;
	}
	return 0;
}

int word_task_elman_xor(double *values, size_t n, struct qlstm_error *error)
{
	const struct word_rows rows = rows_of(values, n);
	(void)error;
	for (size_t start = 0; start < n; start += ELMAN_LENGTH) {
		struct philox rng;
		uint32_t bits[3] = {0};
		open_sequence(&rng, start / ELMAN_LENGTH);
		for (size_t i = 0; i < ELMAN_LENGTH; i++) {
			size_t place = i % 3;
			bits[place] = place < 2 ? philox_below(&rng, 2) : bits[0] ^ bits[1];
			rows.input[start + i] = bits[place];
			rows.target[start + i] = place < 2 ? 2.0 : bits[place];
			rows.scored[start + i] = place < 2 ? ROW_IGNORED : ROW_DRAWN;
		}
	}
	return 0;
}

int word_task_elman_letter(double *values, size_t n, struct qlstm_error *error)
{
	/* b 100, d 101, g 110, a 000, i 001, u 010; the target of a consonant is 111. */
	static const struct {
		double consonant, vowel;
		size_t vowels;
	} words[] = {{4, 0, 1}, {5, 1, 2}, {6, 2, 3}};
	const struct word_rows rows = rows_of(values, n);
	(void)error;
	for (size_t start = 0; start < n; start += ELMAN_LENGTH) {
		struct philox rng;
		size_t word = 0, left = 0;
		open_sequence(&rng, start / ELMAN_LENGTH);
		for (size_t i = 0; i < ELMAN_LENGTH; i++) {
			bool consonant = left == 0;
			if (consonant)
				word = philox_below(&rng, 3);
			left = consonant ? words[word].vowels : left - 1;
			rows.input[start + i] = consonant ? words[word].consonant : words[word].vowel;
			rows.target[start + i] = consonant ? 7.0 : words[word].vowel;
			rows.scored[start + i] = ROW_DRAWN;
		}
	}
	return 0;
}

/* Marks one base of a sequence and returns its place; *base: which one it is. */
static size_t dna_inputs(size_t sequence, double *input, double *base)
{
	struct philox rng;
	open_sequence(&rng, sequence);
	size_t marked = 1 + philox_below(&rng, DNA_LENGTH / 2 - 1);
	for (size_t i = 0; i < DNA_LENGTH; i++)
		input[i] = philox_below(&rng, 4);
	*base = input[marked];
	input[marked] += 4;
	return marked;
}

int word_task_dna(double *values, size_t n, struct qlstm_error *error)
{
	const struct word_rows rows = rows_of(values, n);
	(void)error;
	memset(values, 0, 3 * n * sizeof *values);
	for (size_t start = 0; start < n; start += DNA_LENGTH) {
		size_t last = start + DNA_LENGTH - 1;
		dna_inputs(start / DNA_LENGTH, rows.input + start, &rows.target[last]);
		rows.scored[last] = ROW_DRAWN;
	}
	return 0;
}

int word_task_dna_paper(double *values, size_t n, struct qlstm_error *error)
{
	const struct word_rows rows = rows_of(values, n);
	int rc = word_task_dna(values, n, error);
	for (size_t start = 0; start < n; start += DNA_LENGTH) {
		double base;
		size_t marked = dna_inputs(start / DNA_LENGTH, rows.input + start, &base);
		for (size_t i = marked; i < DNA_LENGTH; i++)
			rows.target[start + i] = i == marked ? base + 4 : base;
	}
	return rc;
}

int word_task_dna_blank(double *values, size_t n, struct qlstm_error *error)
{
	int rc = word_task_dna(values, n, error);
	memset(rows_of(values, n).input, 0, n * sizeof *values);
	return rc;
}
