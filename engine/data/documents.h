/* A text file into a table of texts: `text=tagged` of a dialect says what its lines are.
 *
 *     labelled  good<TAB>a fine film         columns "label" and "text"
 *     pairs     Guten Tag<TAB>good day       columns "source" and "target"
 *     tagged    The<TAB>DET                  columns "tokens" and "tags": a token a line, a blank line behind a
 *               cat<TAB>NOUN                 sentence; or a sentence a line:
 *               The cat<TAB>DET NOUN         as many tags as tokens, with blanks between
 *     lines     any line                     column "text"
 *
 * A row is a sentence, or a line. A file of tagged lines none of which holds a blank within a field is read as a token
 * a line, else as a sentence a line. Texts are kept as they are; of tagged ones tokens stand with one blank between.
 * Blank lines are no rows, but for `lines`, where they are empty texts. */
#ifndef QLSTM_DATA_DOCUMENTS_H
#define QLSTM_DATA_DOCUMENTS_H

#include "engine/data/csv/decode.h"
#include "engine/data/table.h"

/* Names of the columns, NULL where there is no second one. */
const char *documents_column(enum csv_texts form, int index);

/* ERR_SYNTAX with the line: a tab too few or too many, an empty field, tokens and tags that are not equally many, a NUL
 * byte, no rows. *table is {0} and the caller's (table_free), also on failure. */
int documents_read(const struct csv_text *text, const struct csv_options *options, int values, struct table *table,
                   struct qlstm_error *error);

#endif
