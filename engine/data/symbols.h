/* A text of symbols into a table: letters, bases, each line one sample. `symbols=acgt` of a dialect says the alphabet.
 *
 *     +<TAB>gcct      a label and a sequence; without a tab a comma or blanks stand between; of three fields the second
 *     -<TAB>aatg      is a name, which is left out. A sequence alone is a sample without a label.
 *
 * CSV_ONE_HOT: a row is a sample, column "s2_g" is 1 where its third symbol is g, else 0; the columns of one position
 * stand together, so that `steps` equal to the length makes a position a step. CSV_INDEX: column "s2" is the symbol's
 * place in the alphabet, from 0. In both the last column is "label": the place of the label among the labels.
 * CSV_POSITIONS: a row is a position, all lines one behind the other, columns "input" and "target" hold places: of
 * `source<TAB>target` those of the two, which are equally long; of a sequence alone twice its own. Only a tab separates
 * there, blanks are symbols.
 *
 * Alphabet and labels that are not said are those found, in the order of their bytes. All lines are equally long unless
 * `pad` is said: shorter ones are then preceded by steps of zeros (CSV_ONE_HOT alone). */
#ifndef QLSTM_DATA_SYMBOLS_H
#define QLSTM_DATA_SYMBOLS_H

#include "engine/data/csv/decode.h"
#include "engine/data/table.h"

#define SYMBOLS_MAX        64 /* in an alphabet */
#define SYMBOLS_MAX_LABELS 128

/* ERR_SYNTAX or ERR_INVALID with the line: lines of several lengths or numbers of fields, a symbol or a label that is
 * not among those said, too many of them; ERR_TOO_LARGE past TABLE_MAX_COLUMNS. *table is {0} and the caller's
 * (table_free), also on failure. */
int symbols_read(const struct csv_text *text, const struct csv_options *options, int values, struct table *table,
                 struct qlstm_error *error);

#endif
