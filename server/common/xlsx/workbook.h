/* What the cells of a sheet refer to: sheets, shared strings, which styles are dates. */
#ifndef QLSTM_COMMON_XLSX_WORKBOOK_H
#define QLSTM_COMMON_XLSX_WORKBOOK_H

#include "engine/text.h"
#include "server/common/xlsx/xlsx.h"
#include "server/common/xlsx/zip_part.h"

enum style { STYLE_NUMBER, STYLE_DATE, STYLE_TIME }; /* STYLE_TIME: hours and minutes alone */

struct workbook {
	struct zip *zip;
	size_t limit;
	char part[256];      /* of the sheet that is read */
	bool from_1904;      /* days are counted from 1904-01-01 */
	struct text strings; /* shared ones, each with a NUL */
	size_t *starts, n_strings, room_strings;
	unsigned char *styles; /* enum style, by the index of a cell's format */
	size_t n_styles, room_styles;
};

/* As xlsx_csv; workbook_close in any case. */
int workbook_open(struct workbook *book, const unsigned char *bytes, size_t length, size_t limit,
                  char sheet[XLSX_SHEET_SIZE], struct qlstm_error *error);
void workbook_close(struct workbook *book);

#endif
