/* Spreadsheets: what a sheet becomes, and archives that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "server/common/xlsx/xlsx.h"
#include "tests/unit/xlsx_archive.h"

enum { SHEET, STRINGS, STYLES, BOOK };

#define LIMIT ((size_t)1 << 20)

/* The code; *csv (malloc) is the caller's. */
static int read_archive(struct xlsx_archive archive, const char *sheet, size_t limit, char **csv,
                        struct qlstm_error *error)
{
	char name[XLSX_SHEET_SIZE];
	size_t length = 0;
	snprintf(name, sizeof name, "%s", sheet);
	*csv = NULL;
	int rc = xlsx_csv(archive.bytes, archive.length, limit, name, csv, &length, error);
	if (rc == 0) {
		assert_string_equal(name, "one");
		*csv = realloc(*csv, length + 1);
		assert_non_null(*csv);
		(*csv)[length] = '\0';
	}
	return rc;
}

static int read_part(int part, const char *text, char **csv, struct qlstm_error *error)
{
	return read_archive(xlsx_archive_make(part, text, strlen(text)), "", LIMIT, csv, error);
}

/* Shared and inline strings, a date of the calendar from 1904, an absent row, a truth value, a formula's last value. */
static void every_kind_of_cell(void **state)
{
	(void)state;
	char *csv;
	assert_int_equal(read_archive(xlsx_archive_make(-1, NULL, 0), "", LIMIT, &csv, NULL), 0);
	assert_string_equal(csv, "\"a\",\"b\"\n2024-01-02 12:00:00,1.5E-3\n\n1,2\n");
	free(csv);
	assert_int_equal(read_archive(xlsx_archive_make(-1, NULL, 0), "one", LIMIT, &csv, NULL), 0);
	free(csv);
}

static void rows_are_as_wide_as_the_widest(void **state)
{
	(void)state;
	char *csv;
	assert_int_equal(
	    read_part(SHEET,
	              "<worksheet><sheetData><row r=\"1\"><c r=\"A1\"><v>1</v></c></row><row r=\"2\"><c "
	              "r=\"C2\" t=\"inlineStr\"><is><t>x, \"y\"</t></is></c></row></sheetData></worksheet>",
	              &csv, NULL),
	    0);
	assert_string_equal(csv, "1,,\n,,\"x, \"\"y\"\"\"\n");
	free(csv);
}

static void what_is_refused(void **state)
{
	(void)state;
	static const struct {
		int part;
		const char *text;
		int code;
	} cases[] = {
	    {SHEET, "<worksheet><sheetData><row", ERR_SYNTAX},
	    {SHEET, "<!DOCTYPE w [<!ENTITY a \"b\">]><worksheet>&a;</worksheet>", ERR_SYNTAX},
	    {SHEET, "<worksheet><sheetData><row r=\"1\"><c r=\"ZZZ1\"><v>1</v></c></row></sheetData></worksheet>",
	     ERR_TOO_LARGE},
	    {SHEET, "<worksheet><sheetData><row><c t=\"s\"><v>99999999999</v></c></row></sheetData></worksheet>",
	     ERR_SYNTAX},
	    {BOOK, "<workbook><sheets><sheet name=\"one\" r:id=\"rId9\"/></sheets></workbook>", ERR_SYNTAX},
	    {BOOK, "<workbook/>", ERR_INVALID},
	};
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		char *csv;
		struct qlstm_error error = {0};
		int rc = read_part(cases[k].part, cases[k].text, &csv, &error);
		if (rc != cases[k].code || error.message[0] == '\0')
			fail_msg("case %zu: %d, '%s'", k, rc, error.message);
	}
}

static void sheets_limits_and_what_is_no_archive(void **state)
{
	(void)state;
	char *csv;
	struct qlstm_error error = {0};
	assert_int_equal(read_archive(xlsx_archive_make(-1, NULL, 0), "two", LIMIT, &csv, &error), ERR_INVALID);
	assert_non_null(strstr(error.message, "one")); /* those that there are */
	assert_int_equal(read_archive(xlsx_archive_make(-1, NULL, 0), "", 100, &csv, NULL), ERR_TOO_LARGE);
	struct xlsx_archive cut = xlsx_archive_make(-1, NULL, 0);
	cut.length /= 2;
	assert_int_equal(read_archive(cut, "", LIMIT, &csv, NULL), ERR_SYNTAX);
	cut.length = 0;
	assert_int_equal(read_archive(cut, "", LIMIT, &csv, NULL), ERR_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_kind_of_cell),
	    cmocka_unit_test(rows_are_as_wide_as_the_widest),
	    cmocka_unit_test(what_is_refused),
	    cmocka_unit_test(sheets_limits_and_what_is_no_archive),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
