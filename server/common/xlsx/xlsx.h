/* Spreadsheets (XLSX, ECMA-376): one sheet as CSV text. Shared and inline strings, numbers, truth values as 1 and 0,
 * dates as 2020-01-31, 2020-01-31 17:24:00 or 17:24:00; of a formula its last value. */
#ifndef QLSTM_COMMON_XLSX_H
#define QLSTM_COMMON_XLSX_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/error.h"

#define XLSX_SHEET_SIZE 256 /* bytes of a sheet's name, with a NUL */

/* `sheet`: the name of the sheet, "" for the first; the one that was read afterwards. *out (malloc) is the caller's:
 * commas between fields, points in numbers, every row as wide as the widest. ERR_SYNTAX for what is no spreadsheet,
 * ERR_INVALID for a sheet that is not there (names those that are), ERR_TOO_LARGE past `limit` bytes unpacked, as
 * text, or past TABLE_MAX_COLUMNS columns. Memory: the strings and the text. */
int xlsx_csv(const unsigned char *bytes, size_t length, size_t limit, char sheet[XLSX_SHEET_SIZE], char **out,
             size_t *out_length, struct qlstm_error *error);

#endif
