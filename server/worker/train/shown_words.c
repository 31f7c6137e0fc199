/* Sequences as text. */
#include "server/worker/train/shown_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/utf8.h"
#include "schema/alphabet.h"
#include "server/common/classes.h"
#include "server/worker/train/job.h"

/* Bytes of either side of a line. */
enum { SIDE_MAX = (SHOWN_WORDS_SIZE - 64) / 2 };

size_t shown_words_count(const struct job *job)
{
	const struct samples *samples = &job->samples;
	size_t most = samples->n_validation > 0 ? samples->n_validation : samples->n_test;
	size_t wanted = (size_t)job->spec.shown_sequences;
	return wanted < most ? wanted : most;
}

/* What the model draws in a sequence, or finds most probable: words [steps]. */
static int take_words(const struct job *job, size_t sequence, double *words, struct qlstm_error *error)
{
	size_t steps = (size_t)job->words.steps, width = (size_t)job->samples.shape.width;
	if (model_measures_words(job->model))
		return trainer_draw(job->trainer, sequence, 1, words, error);
	double *y = malloc(steps * width * sizeof *y);
	int rc = y != NULL ? trainer_predict(job->trainer, sequence, 1, y, error)
	                   : error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a sequence");
	for (size_t t = 0; rc == 0 && t < steps; t++)
		words[t] = classes_likeliest(y + t * width, width);
	free(y);
	return rc;
}

/* Control characters could make a terminal do things. */
static void blank_controls(char *text)
{
	for (size_t n; *text != '\0'; text += n > 0 ? n : 1) {
		n = utf8_control(text);
		memset(text, ' ', n);
	}
}

static void put_word(const char *alphabet, size_t word, struct text *out)
{
	if (alphabet != NULL)
		alphabet_write(alphabet, word, out);
	else
		text_print(out, "%s%zu", out->length > 0 ? " " : "", word);
}

/* One side of a line: the sequence's targets, or `words` [steps] in their places. */
static int side(const struct job *job, size_t sequence, const double *words, char out[SIDE_MAX + 4],
                struct qlstm_error *error)
{
	const char *alphabet = alphabet_of(job->resolved);
	size_t steps = (size_t)job->words.steps, length;
	struct text text = {0};
	char *bytes = NULL;
	text_write(&text, "", 0);
	for (size_t t = 0; t < steps && text.length <= SIDE_MAX; t++) {
		size_t place = sequence * steps + t;
		if (job->words.scored[place] != (uint8_t)ROW_IGNORED)
			put_word(alphabet, words != NULL ? (size_t)words[t] : job->words.targets[place], &text);
	}
	if (text_take(&text, &bytes, &length) != 0)
		return error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a sequence");
	size_t cut = utf8_cut(bytes, SIDE_MAX);
	snprintf(out, SIDE_MAX + 4, "%.*s%s", (int)cut, bytes, cut < length ? "..." : "");
	blank_controls(out);
	free(bytes);
	return 0;
}

int shown_words_line(const struct job *job, size_t k, char out[SHOWN_WORDS_SIZE], struct qlstm_error *error)
{
	size_t sequence = job->samples.n_train + k;
	char targets[SIDE_MAX + 4], answers[SIDE_MAX + 4];
	double *words = malloc((size_t)job->words.steps * sizeof *words);
	int rc = words != NULL ? take_words(job, sequence, words, error)
	                       : error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory for a sequence");
	if (rc == 0)
		rc = side(job, sequence, NULL, targets, error);
	if (rc == 0)
		rc = side(job, sequence, words, answers, error);
	if (rc == 0)
		snprintf(out, SHOWN_WORDS_SIZE, "%s, %s %s", targets,
		         model_measures_words(job->model) ? "drawn" : "said", answers);
	free(words);
	return rc;
}
