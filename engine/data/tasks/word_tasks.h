/* Built-in sequences of words: tasks of Bausch's paper (arXiv 2006.14619) and of Elman's before it ("Finding structure
 * in time", 1990), drawn anew from a fixed seed. Columns as in words.h: input, target, scored, one behind the other.
 *
 *   simple_seq     two sequences of length 20, 0 1 2 3 0 1 .. and 4 4 4 ..; both twice, to train and to test; 3 bits
 *   simple_quotes  six lines of Shakespeare's of length 70, blanks behind them, by WORD_ALPHABET; all twice; 5 bits.
 * The outcome of a consonant is postselected outside training too, as a hint (47 % in the paper, of other lines)
 *   elman_xor      800 of length 36: two random bits and their exclusive or, over and over. Only the third bit is
 *                  scored; the target of the others is the word 10; 2 bits
 *   elman_letter   800 of length 36: the words ba, dii, guuu in random order. The target of a consonant is 111; 3 bits
 *   dna            2,560 of length 20: random bases 0 .. 3, of which one in the first half is marked by adding 4. The
 *                  target of the last position is the marked base, of all others 0; only the last is scored; 3 bits
 *   dna_paper      the same under the published protocol, which leaks: from the marked position on the target is the
 *                  marked base (at it, plus 4), and postselection on it writes the answer into the memory
 *   dna_blank      dna with all inputs 0: a control that no model may do better on than by chance */
#ifndef QLSTM_DATA_WORD_TASKS_H
#define QLSTM_DATA_WORD_TASKS_H

#include <stddef.h>

#include "engine/error.h"

/* The 32 characters of words of 5 bits. */
#define WORD_ALPHABET "abcdefghijklmnopqrstuvwxyz,.?! \n"

enum { SIMPLE_SEQ_LENGTH = 20, QUOTES_LENGTH = 70, QUOTES = 6, ELMAN_LENGTH = 36, DNA_LENGTH = 20 };
enum { SIMPLE_SEQ_ROWS = 4 * SIMPLE_SEQ_LENGTH, QUOTES_ROWS = 2 * QUOTES * QUOTES_LENGTH };
enum { ELMAN_ROWS = 800 * ELMAN_LENGTH, DNA_ROWS = 2560 * DNA_LENGTH };

/* values [3][n]. */
int word_task_simple_seq(double *values, size_t n, struct qlstm_error *error);
int word_task_simple_quotes(double *values, size_t n, struct qlstm_error *error);
int word_task_elman_xor(double *values, size_t n, struct qlstm_error *error);
int word_task_elman_letter(double *values, size_t n, struct qlstm_error *error);
int word_task_dna(double *values, size_t n, struct qlstm_error *error);
int word_task_dna_paper(double *values, size_t n, struct qlstm_error *error);
int word_task_dna_blank(double *values, size_t n, struct qlstm_error *error);

#endif
