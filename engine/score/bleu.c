/* BLEU, and the tokens that it counts. */
#include "engine/score/bleu.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/elementary/elementary.h"

/* --- tokens --- */

/* A text that grows; `failed` once memory ran out. */
struct bytes {
	char *at;
	size_t length, room;
	bool failed;
};

static void put(struct bytes *out, char c)
{
	if (out->length == out->room) {
		size_t room = out->room > 0 ? 2 * out->room : 256;
		char *longer = out->failed ? NULL : realloc(out->at, room);
		if (longer == NULL) {
			out->failed = true;
			return;
		}
		out->at = longer;
		out->room = room;
	}
	out->at[out->length++] = c;
}

static void put_all(struct bytes *out, const char *text)
{
	for (; *text != '\0'; text++)
		put(out, *text);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_stop(char c)
{
	return c == '.' || c == ',';
}

/* A sign that is always a token: what ASCII has but letters, digits, ' , - and . */
static bool is_sign(char c)
{
	return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') || (c >= '(' && c <= '+') ||
	       (c >= ':' && c <= '@') || c == '/';
}

/* Bytes of the white space that text begins with, as Unicode has it; 0: none. */
static size_t space_length(const char *text)
{
	static const char *const wide[] = {"\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\xa8",
	                                   "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80"};
	unsigned char c = (unsigned char)*text;
	if ((c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20))
		return 1;
	for (size_t k = 0; k < sizeof wide / sizeof wide[0]; k++)
		if (strncmp(text, wide[k], strlen(wide[k])) == 0)
			return strlen(wide[k]);
	/* U+2000 to U+200A */
	bool narrow =
	    strncmp(text, "\xe2\x80", 2) == 0 && (unsigned char)text[2] >= 0x80 && (unsigned char)text[2] <= 0x8a;
	return narrow ? 3 : 0;
}

/* `text` with each `old` replaced. */
static void replace(const char *text, const char *old, const char *new, struct bytes *out)
{
	while (*text != '\0') {
		bool match = strncmp(text, old, strlen(old)) == 0;
		if (match)
			put_all(out, new);
		else
			put(out, *text);
		text += match ? strlen(old) : 1;
	}
}

static const char *const replaced[][2] = {{"<skipped>", ""}, {"-\n", ""},   {"\n", " "},  {"&quot;", "\""},
                                          {"&amp;", "&"},    {"&lt;", "<"}, {"&gt;", ">"}};

/* Each rule sees the whole of what the one before it made, and goes on behind what it has matched. */
static void rule_margins(const char *text, struct bytes *out)
{
	put(out, ' ');
	put_all(out, text);
	put(out, ' ');
}

static void rule_signs(const char *text, struct bytes *out)
{
	for (; *text != '\0'; text++) {
		if (!is_sign(*text)) {
			put(out, *text);
			continue;
		}
		put(out, ' ');
		put(out, *text);
		put(out, ' ');
	}
}

/* A stop behind what is no digit. */
static void rule_stops_behind(const char *text, struct bytes *out)
{
	while (*text != '\0') {
		put(out, *text);
		bool match = !is_digit(text[0]) && is_stop(text[1]);
		if (match) {
			put(out, ' ');
			put(out, text[1]);
			put(out, ' ');
		}
		text += match ? 2 : 1;
	}
}

/* A stop before what is no digit. */
static void rule_stops_before(const char *text, struct bytes *out)
{
	while (*text != '\0') {
		bool match = is_stop(text[0]) && text[1] != '\0' && !is_digit(text[1]);
		if (match)
			put(out, ' ');
		put(out, text[0]);
		if (match) {
			put(out, ' ');
			put(out, text[1]);
		}
		text += match ? 2 : 1;
	}
}

/* A hyphen behind a digit. */
static void rule_hyphens(const char *text, struct bytes *out)
{
	while (*text != '\0') {
		bool match = is_digit(text[0]) && text[1] == '-';
		put(out, text[0]);
		if (match)
			put_all(out, " - ");
		text += match ? 2 : 1;
	}
}

/* One blank in the place of white space, none at the ends. */
static void rule_blanks(const char *text, struct bytes *out)
{
	while (*text != '\0') {
		size_t space = space_length(text);
		bool apart = space > 0 && out->length > 0 && out->at[out->length - 1] != ' ';
		if (apart)
			put(out, ' ');
		if (space == 0)
			put(out, *text);
		text += space > 0 ? space : 1;
	}
	if (out->length > 0 && out->at[out->length - 1] == ' ')
		out->length--;
}

char *bleu_tokenize(const char *text)
{
	static void (*const rules[])(const char *text, struct bytes *out) = {
	    rule_margins, rule_signs, rule_stops_behind, rule_stops_before, rule_hyphens, rule_blanks};
	enum { N_REPLACED = sizeof replaced / sizeof replaced[0], N_RULES = sizeof rules / sizeof rules[0] };
	char *at = NULL;
	for (size_t k = 0; k < N_REPLACED + N_RULES; k++) {
		struct bytes out = {0};
		const char *from = k > 0 ? at : text;
		if (k < N_REPLACED)
			replace(from, replaced[k][0], replaced[k][1], &out);
		else
			rules[k - N_REPLACED](from, &out);
		put(&out, '\0');
		free(at);
		at = out.at;
		if (out.failed) {
			free(at);
			return NULL;
		}
	}
	return at;
}

/* --- counts --- */

static size_t count_tokens(const char *text)
{
	size_t n = *text != '\0';
	for (; *text != '\0'; text++)
		n += *text == ' ';
	return n;
}

/* Appends the numbers of a text's tokens: that of a token met before, else the count of those before it. */
static void number(const char *text, const char **met, uint32_t *numbers, size_t from, size_t n)
{
	for (size_t i = from; i < from + n; i++) {
		size_t length = strcspn(text, " "), k = 0;
		met[i] = text;
		while (k < i && (strcspn(met[k], " ") != length || memcmp(met[k], text, length) != 0))
			k++;
		numbers[i] = (uint32_t)k;
		text += length + 1;
	}
}

static bool same(const uint32_t *a, const uint32_t *b, size_t n)
{
	return memcmp(a, b, n * sizeof *a) == 0;
}

/* How often the n numbers at `wanted` stand among `count`. */
static size_t occurrences(const uint32_t *numbers, size_t count, const uint32_t *wanted, size_t n)
{
	size_t found = 0;
	for (size_t i = 0; i + n <= count; i++)
		found += same(numbers + i, wanted, n);
	return found;
}

static void count_matches(struct bleu *bleu, const uint32_t *said, size_t n_said, const uint32_t *reference,
                          size_t n_reference)
{
	for (size_t n = 1; n <= BLEU_ORDER; n++)
		for (size_t i = 0; i + n <= n_said; i++) {
			bleu->totals[n - 1]++;
			if (occurrences(said, i + n - 1, said + i, n) > 0) /* it was counted at its first place */
				continue;
			size_t here = occurrences(said, n_said, said + i, n);
			size_t there = occurrences(reference, n_reference, said + i, n);
			bleu->matches[n - 1] += here < there ? here : there;
		}
}

int bleu_add(struct bleu *bleu, const char *said, const char *reference, struct qlstm_error *error)
{
	char *a = bleu_tokenize(said), *b = bleu_tokenize(reference);
	size_t n = a != NULL ? count_tokens(a) : 0, m = b != NULL ? count_tokens(b) : 0;
	const char **met = malloc((n + m + 1) * sizeof *met);
	uint32_t *numbers = malloc((n + m + 1) * sizeof *numbers);
	bool room = a != NULL && b != NULL && met != NULL && numbers != NULL;
	if (room) {
		number(a, met, numbers, 0, n);
		number(b, met, numbers, n, m);
		count_matches(bleu, numbers, n, numbers + n, m);
		bleu->texts++;
		bleu->system += n;
		bleu->reference += m;
	}
	free(numbers);
	free(met);
	free(a);
	free(b);
	return room ? 0 : error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a score");
}

/* --- the score --- */

double bleu_precision(const struct bleu *bleu, int n)
{
	double smaller = 1.0;
	for (int k = 0; k <= n; k++)
		if (bleu->matches[k] == 0)
			smaller *= 2.0;
	if (bleu->totals[n] == 0 || bleu->matches[0] == 0)
		return 0.0;
	double matches = bleu->matches[n] > 0 ? (double)bleu->matches[n] : 1.0 / smaller;
	return matches / (double)bleu->totals[n];
}

double bleu_brevity(const struct bleu *bleu)
{
	if (bleu->system >= bleu->reference)
		return 1.0;
	return bleu->system > 0 ? elementary_exp(1.0 - (double)bleu->reference / (double)bleu->system) : 0.0;
}

double bleu_score(const struct bleu *bleu)
{
	double sum = 0.0;
	for (int n = 0; n < BLEU_ORDER; n++) {
		double precision = bleu_precision(bleu, n);
		if (!(precision > 0.0))
			return 0.0;
		sum += elementary_log(precision);
	}
	return 100.0 * bleu_brevity(bleu) * elementary_exp(sum / BLEU_ORDER);
}
