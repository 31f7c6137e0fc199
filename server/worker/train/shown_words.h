/* Some sequences as a line of text each, what they should say beside what the model draws: to see, not to measure. */
#ifndef QLSTM_WORKER_SHOWN_WORDS_H
#define QLSTM_WORKER_SHOWN_WORDS_H

#include <stddef.h>

#include "engine/error.h"

struct job;

/* Longest line, with the NUL behind it. */
#define SHOWN_WORDS_SIZE 384

/* How many sequences a run shows: training.shown_sequences, at most those of the part that epochs are chosen by
 * (validation, without one test). */
size_t shown_words_count(const struct job *job);

/* Sequence `k` of these, by the weights that the model has: "0 1 2 3, drawn 0 1 2 2". The words are those of its scored
 * positions, characters where the data have an alphabet; a blank stands for a control character; a long line is cut,
 * with "..." behind it. A model that draws no words says the most probable ones: "0 1 2 3, said 0 1 2 2". */
int shown_words_line(const struct job *job, size_t k, char out[SHOWN_WORDS_SIZE], struct qlstm_error *error);

#endif
