/* How CSV files are written, and what is understood of them. Each text is a small one of a kind that users bring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/data/csv.h"
#include "engine/data/csv/number.h"
#include "engine/data/csv/timestamp.h"

/* `said` is "separator=;&decimal=,", or NULL. */
static void say(struct csv_options *options, const char *said)
{
	char text[200];
	snprintf(text, sizeof text, "%s", said != NULL ? said : "");
	*options = (struct csv_options){0};
	for (char *next, *at = text; at != NULL && *at != '\0'; at = next) {
		next = strchr(at, '&');
		if (next != NULL)
			*next++ = '\0';
		char *value = strchr(at, '=');
		*value++ = '\0';
		assert_int_equal(csv_say(options, at, value, NULL), 0);
	}
}

/* Of a numeric column its first and last number, else "-"; columns with blanks between. */
static void summary(const struct table *table, char *out, size_t size)
{
	size_t used = 0;
	for (int k = 0; k < table->n_columns; k++) {
		const struct column *column = &table->columns[k];
		used += (size_t)snprintf(out + used, size - used, "%s%s", k > 0 ? " " : "", column->name);
		if (column->numeric)
			used += (size_t)snprintf(out + used, size - used, "=%g..%g", column->values[0],
			                         column->values[table->n_rows - 1]);
		if (column->missing > 0)
			used += (size_t)snprintf(out + used, size - used, "(%zu)", column->missing);
	}
}

static const struct {
	const char *what, *said, *text;
	size_t n_rows;
	const char *summary; /* names, first and last numbers, (missing) */
} understood[] = {
    {"names with commas, decimal comma", NULL,
     "Zeit;Preis, EUR;Menge, kWh\n2020-01-01;50,00;0,0\n2020-01-02;54,79;1,5\n2020-01-03;58,41;3,0\n", 3,
     "Zeit Preis, EUR=50..58.41 Menge, kWh=0..3"},
    {"said decimal comma, one column", "decimal=,", "50,00\n54,79\n58,41\n", 3, "column_0=50..58.41"},
    {"said comma between", "separator=,", "50,00\n54,79\n58,41\n", 3, "column_0=50..58 column_1=0..41"},
    {"said comma by its word", "separator=comma&header=false", "1,2\n3,4\n", 2, "column_0=1..3 column_1=2..4"},
    {"one column, decimal comma under a name", NULL, "load\n50,00\n54,79\n", 2, "load=50..54.79"},
    {"digits that are no decimals", NULL, "1,2\n3,4\n9,10\n11,12\n", 4, "column_0=1..11 column_1=2..12"},
    {"two names over two whole numbers", NULL, "a,b\n1,2\n3,4\n", 2, "a=1..3 b=2..4"},
    {"dates without a header", NULL, "2020-01-01,50.00\n2020-01-02,54.79\n", 2, "column_0 column_1=50..54.79"},
    {"text without a header", NULL, "Paris,5\nLyon,6\n", 2, "column_0 column_1=5..6"},
    {"years said to be names", "header=true", "2019,2020,2021\n50.0,51.0,52.0\n54.8,55.8,56.8\n", 2,
     "2019=50..54.8 2020=51..55.8 2021=52..56.8"},
    {"years over numbers", NULL, "2019,2020,2021\n50.0,51.0,52.0\n", 2,
     "column_0=2019..50 column_1=2020..51 column_2=2021..52"},
    {"names said to be data", "header=false", "1,b,3\n1,2,3\n", 2, "column_0=1..1 column_1 column_2=3..3"},
    {"question marks for missing values", NULL,
     "Date;Time;P;U\n16/12/2006;17:20:00;2.000;230.000\n16/12/2006;17:21:00;?;\n16/12/2006;17:22:00;2.247;230.841\n", 3,
     "Date Time P=2..2.247(1) U=230..230.841(1)"},
    {"words for missing values", "missing=-999,off", "a,b,c\n1,NA,-999\n2,5,4\nN/A,null,6\n3,6,off\n7,8,9\n", 5,
     "a=1..7(1) b=nan..8(2) c=nan..9(2)"},
    {"three header lines", NULL,
     "Price,Close,High\nTicker,ABCD,ABCD\nDate,,\n2021-03-01,50.00,51.00\n2021-03-02,54.79,55.79\n", 2,
     "Date Close=50..54.79 High=51..55.79"},
    {"units under the names", NULL, "time,load\ns,kW\n0,50\n1,54\n", 2, "time=0..1 load=50..54"},
    {"decimal comma", NULL, "Datum;Preis\n2020-01-01;50,00\n2020-01-02;54,79\n", 2, "Datum Preis=50..54.79"},
    {"decimal comma in quotes", NULL, "t,x\n\"1,5\",\"2,25\"\n\"1,75\",\"3,5\"\n", 2, "t=1.5..1.75 x=2.25..3.5"},
    {"German thousands", NULL, "t;x\n1;1.234,50\n2;12.345,75\n", 2, "t=1..2 x=1234.5..12345.8"},
    {"English thousands", NULL, "t,x\n1,\"1,234.50\"\n2,\"12,345\"\n", 2, "t=1..2 x=1234.5..12345"},
    {"thousands said", "thousands=,", "t;x\n1;1,234\n2;12,345\n", 2, "t=1..2 x=1234..12345"},
    {"thousands by blanks", NULL, "t;x\n1;1 234,5\n2;12 345\n", 2, "t=1..2 x=1234.5..12345"},
    {"thousands by hard blanks", NULL, "t;x\n1;1\u00a0234,5\n2;12\u202f345\n", 2, "t=1..2 x=1234.5..12345"},
    {"thousands by apostrophes", NULL, "t;x\n1;1'234.5\n2;12'345\n", 2, "t=1..2 x=1234.5..12345"},
    {"rows of nothing at the end", NULL, "day,load\n0,50\n1,54\n,\n,\n", 2, "day=0..1 load=50..54"},
    {"a row of nothing in between", NULL, "day,load\n0,50\n,\n1,54\n", 3, "day=0..1(1) load=50..54(1)"},
    {"a blank line in between", NULL, "load\n50\n54\n\n46\n", 3, "load=50..46"},
    {"a blank line between two columns", NULL, "a,b\n1,2\n\n3,4\n", 2, "a=1..3 b=2..4"},
    {"blanks inside quotes", NULL, "\"t\",\"load\"\n\"0\",\" 50.00 \"\n\"1\",\" 54.79\"\n", 2, "t=0..1 load=50..54.79"},
    {"sep=", NULL, "sep=;\nDate;Close\n2020-01-01;50.00\n2020-01-02;54.79\n", 2, "Date Close=50..54.79"},
    {"sep= twice", NULL, "sep=;\nsep=;\n1;7\n2;8\n", 2, "sep==1..2 column_1=7..8"},
    {"sep= in quotes, another mark", NULL, "\"sep=|\"\r\na|b\r\n1|2,5\r\n3|4,5\r\n", 2, "a=1..3 b=2.5..4.5"},
    {"CR alone", NULL, "a,b\r0,50.00\r1,54.79\r", 2, "a=0..1 b=50..54.79"},
    {"thousands by apostrophes of typographers", NULL, "t;x\n1;1\u2019234.5\n2;12\u2019345\n", 2,
     "t=1..2 x=1234.5..12345"},
    {"minus of typographers", NULL, "t,x\n1,\u22125.5\n2,\u22121e3\n", 2, "t=1..2 x=-5.5..-1000"},
    {"a title with separators behind it", NULL, "Load of 2021;;\nday;kWh;\n01.01.2021;1,5;\n02.01.2021;2,5;\n", 2,
     "day kWh=1.5..2.5 column_2(2)"},
    {"a title over a first line of numbers", NULL, "Load;;\nt;x;y\n1;2;3\n4;5;6\n", 2, "t=1..4 x=2..5 y=3..6"},
    {"units in a further line", NULL, "t;x\n[h];[kW]\n1;2\n4;5\n", 2, "t=1..4 x=2..5"},
    {"turned, it is said", "turned=true", "t,x\n3,1\n2,2\n1,3\n", 3, "t=1..3 x=3..1"},
    {"blanks between", NULL, "  0  50.000  25.000\n  1  54.794  27.397\n 10  40.411  20.205\n", 3,
     "column_0=0..10 column_1=50..40.411 column_2=25..20.205"},
    {"blanks and tabs between, names", NULL, "t \tx\n0\t 5 \n1   6\n", 2, "t=0..1 x=5..6"},
    {"bars between", NULL, "time|load\n0|50.00\n1|54.79\n", 2, "time=0..1 load=50..54.79"},
    {"tabs between, with decimal commas", NULL, "t\tx\n0\t5,5\n1\t6,25\n", 2, "t=0..1 x=5.5..6.25"},
    {"comment lines", NULL, "# source: meter 7\n# unit: kW\ntime,power\n0,50\n# replaced\n1,54\n", 2,
     "time=0..1 power=50..54"},
    {"names in a comment, as NumPy writes them", NULL, "# t load\n0 50\n1 54\n", 2, "t=0..1 load=50..54"},
    {"other comment marks", NULL, "% from a lab\n% 2020\n1,2,3\n4,5,6\n", 2,
     "column_0=1..4 column_1=2..5 column_2=3..6"},
    {"a comment mark that is said", "comment=!", "! one\na,b\n1,2\n! two\n3,4\n", 2, "a=1..3 b=2..4"},
    {"no comments, it is said", "comment=", "id,x\n#1,5\n#2,6\n", 2, "id x=5..6"},
    {"numbers with a hash", NULL, "id,x\n#1,5\n#2,6\n", 2, "id x=5..6"},
    {"#N/A is a field", NULL, "# meter\nx,y\n#N/A,1\n2,2\n", 2, "x=nan..2(1) y=1..2"},
    {"a title that is left out", "skip_rows=2", "Hourly load report\n\ntime,load\n0,50\n1,54\n", 2,
     "time=0..1 load=50..54"},
    {"two equal names", NULL, "day,load,load\n0,50,100\n1,54,109\n", 2, "day=0..1 load=50..54 load=100..109"},
    {"no name beside column_1", NULL, "column_1,,x\n1,1,1\n2,4,8\n", 2, "column_1=1..2 unnamed_1=1..4 x=1..8"},
    {"a column without a name", NULL, "a,,x\n1,1,1\n2,4,8\n", 2, "a=1..2 column_1=1..4 x=1..8"},
    {"one odd field", NULL, "a,b\n1,2\nx,3\n4,5\n", 3, "a b=2..5"},
    {"times that fall", NULL, "date,x\n2022-03-28,1\n2022-03-27,2\n2022-03-26,3\n", 3, "date x=3..1"},
    {"times that fall, not turned", "turned=false", "date,x\n2022-03-28,1\n2022-03-27,2\n", 2, "date x=1..2"},
    {"Latin-1", NULL,
     "Gr\xf6\xdf"
     "e;Wert \x80\n1;2,5\n2;3,5\n",
     2, "Gr\u00f6\u00dfe=1..2 Wert \u20ac=2.5..3.5"},
    {"a separator at the end of each line", NULL, "a,b,\n1,2,\n3,4,\n", 2, "a=1..3 b=2..4 column_2(2)"},
    {"many digits, exponents", NULL, "a;b\n12345678901234567890;1e3\n-0.12345678901234567;+.5E-2\n", 2,
     "a=1.23457e+19..-0.123457 b=1000..0.005"},
};

static void texts_that_are_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof understood / sizeof understood[0]; i++) {
		struct csv_options options;
		struct qlstm_error error = {0};
		struct table table = {0}, again = {0};
		char said[300], expected[300];
		const char *text = understood[i].text;
		say(&options, understood[i].said);
		if (csv_read(text, strlen(text), &options, VALUES_ALL, &table, &error) != 0)
			fail_msg("%s: %s", understood[i].what, error.message);
		summary(&table, said, sizeof said);
		if (strcmp(said, understood[i].summary) != 0 || table.n_rows != understood[i].n_rows)
			fail_msg("%s: %zu rows, %s", understood[i].what, table.n_rows, said);

		/* With all that was found said, the same comes out. */
		struct csv_options found = {0};
		bool asked;
		const char *name;
		for (int k = 0; (name = csv_property_name(k, &asked)) != NULL; k++) {
			char value[CSV_PROPERTY_SIZE];
			if (csv_property(&table.dialect, k, value))
				assert_int_equal(csv_say(&found, name, value, NULL), 0);
		}
		assert_int_equal(csv_read(text, strlen(text), &found, VALUES_ALL, &again, &error), 0);
		summary(&again, expected, sizeof expected);
		assert_string_equal(said, expected);
		table_free(&table);
		table_free(&again);
	}
}

static const struct {
	const char *text;
	int code;
	const char *fragments[3];
} refused[] = {
    {"50,00\n54,79\n58,41\n",
     ERR_INVALID,
     {"two ways", "50 | 00 in the first row (say separator=,)", "50.00 (say decimal=,)"}},
    {"Preis, EUR\n50,00\n54,05\n", ERR_INVALID, {"two ways", "50 | 00", "decimal=,"}},
    {"1,5\n2,5\n3,0\n", ERR_INVALID, {"two ways", "1 | 5", "1.5"}},
    {"t;x\n1;1,234\n2;12,345\n", ERR_INVALID, {"two ways", "1.234 with decimal=,", "1234 with thousands=,"}},
    {"Hourly load report\n\ntime,load\n0,50\n1,54\n",
     ERR_INVALID,
     {"lines 1-2 look like a title", "skip_rows=2", "line 3"}},
    {"Report\nof;2020;\ntime;load\n0;5,5\n1;6,5\n2;7,5\n", ERR_INVALID, {"lines 1-2", "skip_rows=2", ""}},
    {"day,load0,50.001,54.792,58.41", ERR_SYNTAX, {"no line end in the text", "one line of 29 bytes", "--data-binary"}},
    {"a,b\n,\n,\n", ERR_SYNTAX, {"no rows after the header", "", ""}},
    {"a;b\n1;2\n\n3\n", ERR_SYNTAX, {"line 4 has 1 field, the first line has 2", "", ""}},
    {"# note\na;b\n1;2\n2;3\n3\n", ERR_SYNTAX, {"line 5 has 1 field, line 2 has 2", "", ""}},
};

static void texts_that_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		struct qlstm_error error = {0};
		struct table table = {0};
		const char *text = refused[i].text;
		int rc = csv_parse(text, strlen(text), &table, &error);
		if (rc != refused[i].code)
			fail_msg("%s: %d %s", text, rc, error.message);
		for (int k = 0; k < 3; k++)
			if (strstr(error.message, refused[i].fragments[k]) == NULL)
				fail_msg("'%s' is not in '%s'", refused[i].fragments[k], error.message);
	}
}

/* UTF-16 of a text of ASCII, with or without a mark. */
static size_t widen(const char *text, bool big, bool marked, char *out)
{
	size_t n = 0;
	if (marked) {
		memcpy(out, big ? "\xfe\xff" : "\xff\xfe", 2);
		n = 2;
	}
	for (; *text != '\0'; text++) {
		out[n + !big] = '\0';
		out[n + big] = *text;
		n += 2;
	}
	return n;
}

static void utf16(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		char text[200], said[100];
		struct table table;
		struct qlstm_error error = {0};
		size_t length = widen("day\tload\r\n0\t50.00\r\n1\t54.79\r\n", i % 2 != 0, i < 2, text);
		assert_int_equal(csv_parse(text, length, &table, NULL), 0);
		summary(&table, said, sizeof said);
		assert_string_equal(said, "day=0..1 load=50..54.79");
		assert_int_equal(table.dialect.encoding, i % 2 != 0 ? CSV_UTF16BE : CSV_UTF16LE);
		table_free(&table);
		assert_int_equal(csv_parse(text, length - 1, &table, &error), ERR_SYNTAX);
	}
	struct qlstm_error error = {0};
	assert_int_equal(csv_parse("\xff\xfe\x00\xd8\x31\x00\n\x00", 8, &(struct table){0}, &error), ERR_SYNTAX);
	assert_string_equal(error.message, "byte 2: no character of UTF-16");
	struct table table;
	assert_int_equal(csv_parse("\xff\xfe\x3d\xd8\x00\xde\n\x00\x31\x00\n\x00", 12, &table, NULL), 0);
	assert_string_equal(table.columns[0].name, "\U0001f600");
	table_free(&table);
}

static const char *notes_of(const char *text, char *out, size_t size)
{
	struct table table;
	struct qlstm_error error = {0};
	size_t used = 0;
	out[0] = '\0';
	if (csv_parse(text, strlen(text), &table, &error) != 0)
		fail_msg("%s", error.message);
	for (int i = 0; i < table.n_notes; i++)
		used += (size_t)snprintf(out + used, size - used, "%s\n", table.notes[i]);
	table_free(&table);
	return out;
}

static void what_is_noted(void **state)
{
	(void)state;
	static const struct {
		const char *text, *fragment;
	} cases[] = {
	    {"x\n1\n\n2\n", "1 blank line was passed over, first line 3"},
	    {"# a\n# b\nx\n1\n2\n", "2 comment lines were left out, first line 1"},
	    {"a,b\n1,2\n,\n", "1 row of empty fields at the end was left out"},
	    {"d,x\n2020-01-03,1\n2020-01-02,2\n2020-01-01,3\n",
	     "the times fall: the rows are taken from the last line"},
	    {"d,x\n2020-01-01,1\n2020-01-03,2\n2020-01-02,3\n2020-01-04,3\n",
	     "do not rise throughout: line 4 is earlier"},
	    {"d,x\n2020-01-01,1\n2020-01-02,2\n2020-01-03,3\n2020-01-07,3\n",
	     "the times of column 'd' have gaps: the usual step is 1 day; 1 are not, first before line 5 (4 days)"},
	    {"d,x\n2020-01-01,1\n2020-01-01,2\n", "1 time of column 'd' stands twice in a row, first in line 3"},
	    {"d,x\n01/02/2020,1\n02/02/2020,2\n03/02/2020,3\n", "can be read day first or month first"},
	    {"a,b\nm,s\n1,2\n", "the first 2 lines are header lines"},
	    {"t,x\n1,5\n2,oops\n3,7\n", "column 'x' is text: line 3 holds 'oops'; 2 of its fields are numbers"},
	    {"t,x\n1,5 kW\n2,6 kW\n", "column 'x' is text: line 2 holds '5 kW'; 0 of its fields are numbers"},
	    {"d,x\n2020-01-01,1\n2020-01-02,2\nTotal,3\n",
	     "1 field of column 'd' is no date, first in line 4: 'Total'"},
	    {"1.5,2.5,3.5\n", "there is one row of 3 columns; a series is a column"},
	    {"unix_time,x\n300,1\n200,2\n100,3\n", "the numbers of column 'unix_time' fall from row to row"},
	};
	char notes[2000];
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (strstr(notes_of(cases[i].text, notes, sizeof notes), cases[i].fragment) == NULL)
			fail_msg("'%s' is not in '%s'", cases[i].fragment, notes);
	/* Words beside numbers, and numbers that fall and are no times. */
	assert_string_equal(notes_of("name,x\nParis,3\nLyon,2\nNice,1\n", notes, sizeof notes), "");
	/* Months are not of one length; dates and times in two columns are one time. */
	assert_string_equal(notes_of("m,x\n1949-01,1\n1949-02,2\n1949-03,3\n1949-04,4\n", notes, sizeof notes), "");
	assert_string_equal(notes_of("d;t;x\n16/12/2006;23:58:00;1\n16/12/2006;23:59:00;2\n17/12/2006;00:00:00;3\n",
	                             notes, sizeof notes),
	                    "");
}

static void times_stand_beside_the_rows(void **state)
{
	(void)state;
	struct table table;
	const char *text = "d;t;x\n17/12/2006;00:00:00;3\n16/12/2006;23:59:00;2\n16/12/2006;23:58:00;?\n";
	assert_int_equal(csv_parse(text, strlen(text), &table, NULL), 0);
	assert_true(table.dialect.turned && table.times.there && table.times.column == 0);
	assert_string_equal(table_time(&table, 0), "16/12/2006 23:58:00");
	assert_string_equal(table_time(&table, 2), "17/12/2006 00:00:00");
	assert_string_equal(table_time(&table, 3), "");
	assert_true(isnan(table.columns[2].values[0]));
	assert_int_equal(table.columns[2].bad_at, 4);
	assert_true(table.columns[2].minimum == 2 && table.columns[2].maximum == 3);
	assert_int_equal(table.n_preview, 3);
	assert_string_equal(table.preview[0].text, "17/12/2006");
	table_free(&table);
}

static void timestamps(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		double seconds; /* negative: none */
	} cases[] = {
	    {"1970-01-02", 86400},
	    {"1970/1/2", 86400},
	    {"1970-01-01T00:01:00Z", 60},
	    {"1970-01-01 01:00:00.5", 3600.5},
	    {"1970-01-01T02:00:00+02:00", 0},
	    {"02.01.1970", 86400},
	    {"13/01/1970", 12 * 86400.0},
	    {"01/13/1970", 12 * 86400.0},
	    {"1970-02", 31 * 86400.0},
	    {"02-Jan-1970", 86400},
	    {"2 January 1970", 86400},
	    {"2. Januar 1970", 86400},
	    {"2. Jan. 1970 01:00", 90000},
	    {"1. m\xc3\xa4rz 1970", 59 * 86400.0},
	    {"1. M\xc3\xa4r 1970", 59 * 86400.0},
	    {"January 2, 1970", 86400},
	    {"Jan 2 1970 01:00", 90000},
	    {"Dec-2-1970", 335 * 86400.0},
	    {"Feb 1970", 31 * 86400.0},
	    {"Okt-1970", 273 * 86400.0},
	    {"1970Q2", 90 * 86400.0},
	    {"1970-Q2", 90 * 86400.0},
	    {"1970 q4", 273 * 86400.0},
	    {"Q2 1970", 90 * 86400.0},
	    {"1970-W02", 4 * 86400.0},
	    {"1970W53", 361 * 86400.0},
	    {"2021-W01", 18631 * 86400.0},
	    {"1970-W54", -1},
	    {"1970Q5", -1},
	    {"Q0 1970", -1},
	    {"May", -1},
	    {"Mayor 1970", -1},
	    {"Jan 32, 1970", -1},
	    {"Jan-70", -1},
	    {"Quarter 1970", -1},
	    {"13:30", 48600},
	    {"1:30 PM", 48600},
	    {"12:00:01 AM", 1},
	    {"1972-02-29", 789 * 86400.0},
	    {"02/01/70", 86400},
	    {"1970-02-29", -1},
	    {"1970-13-01", -1},
	    {"25:00", -1},
	    {"1970", -1},
	    {"1.5.2", -1},
	    {"1970-01-01x", -1},
	    {"13:60", -1},
	    {"13:30 PMs", -1},
	    {"", -1},
	    {"1970-01-01T", -1},
	    {"19700-01-01", -1},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct timestamp time;
		bool is = timestamp_parse(cases[i].text, strlen(cases[i].text), &time);
		double seconds = time.day_first ? time.seconds_day_first : time.seconds_month_first;
		if (is != (cases[i].seconds >= 0) || (is && fabs(seconds - cases[i].seconds) > 1e-9))
			fail_msg("'%s' is %d, %.17g", cases[i].text, is, seconds);
	}
}

/* The fast way of reading numbers gives the bits of the C library's. */
static void numbers_to_the_last_bit(void **state)
{
	(void)state;
	uint64_t seed = 1;
	for (int i = 0; i < 200000; i++) {
		char text[64], scratch[64];
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		uint64_t digits = (seed >> 13) % (i % 2 == 0 ? 1000000000000000u : 1000000u);
		int length =
		    snprintf(text, sizeof text, "%s%llu.%0*llu", i % 3 == 0 ? "-" : "",
		             (unsigned long long)(digits / 1000), 1 + i % 7, (unsigned long long)(digits % 1000));
		double value = 0, expected = strtod(text, NULL);
		assert_true(number_parse(text, (size_t)length, (struct number_format){'.', 0}, scratch, &value));
		assert_memory_equal(&value, &expected, sizeof value);
	}
}

static void properties_that_are_none(void **state)
{
	(void)state;
	static const struct {
		const char *name, *text, *message;
	} cases[] = {
	    {"separator", "x", "separator is 'x'; allowed are ',', ';', 'tab', '|', 'blanks' and 'none'"},
	    {"decimal", ";", "decimal is ';'; allowed are '.' and ','"},
	    {"comment", "\xff", "no UTF-8"},
	    {"missing", "a,\xc3", "no UTF-8"},
	    {"header", "10", "header is '10'; allowed are 'true', 'false' and a number of lines up to 9"},
	    {"header", "maybe", "header is 'maybe'"},
	    {"skip_rows", "-1", "skip_rows is '-1'"},
	    {"skip_rows", "1000001", "skip_rows is '1000001'"},
	    {"comment", "1234", "comment is '1234'"},
	    {"encoding", "ebcdic", "encoding is 'ebcdic'"},
	    {"thousands", ";", "thousands is ';'"},
	    {"quote", "'", "'quote' is nothing that is said of CSV"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct csv_options options = {0};
		struct qlstm_error error = {0};
		assert_true(csv_say(&options, cases[i].name, cases[i].text, &error) != 0);
		if (strstr(error.message, cases[i].message) == NULL || options.said != 0)
			fail_msg("%s", error.message);
	}
	struct csv_options options;
	struct qlstm_error error = {0};
	say(&options, "decimal=,&thousands=,");
	assert_int_equal(csv_read("a;b\n1;2\n", 8, &options, VALUES_NONE, &(struct table){0}, &error), ERR_INVALID);
	assert_string_equal(error.message, "decimal and thousands are both ','");
}

/* What version 0.1.0 read is read as then: by its first line alone. */
static void texts_of_before(void **state)
{
	(void)state;
	static const struct {
		const char *text, *summary;
	} cases[] = {
	    {"a,b\n1,2\n3,4\n", "a=1..3 b=2..4"},
	    {"1,2\n3,4\n", "column_0=1..3 column_1=2..4"},
	    {"2020-01-01,50.0\n2020-01-02,54.8\n", "2020-01-01 50.0=54.8..54.8"},
	    {"Zeit;Preis, EUR;kWh, h\n1;50,00;0,0\n2;54,79;1,5\n", "Zeit;Preis EUR;kWh h=0..5"},
	    {"a,b\n#1,2\n#3,4\n", "a b=2..4"},
	    {"d,x\n2020-01-02,1\n2020-01-01,2\n", "d x=1..2"},
	    {"column_1,,x\n1,2,3\n4,5,6\n", "column_1=1..4 column_1=2..5 x=3..6"},
	    {"a\xff,b\n1,2\n", "a?=1..1 b=2..2"},
	    {"\" a \",b\n1,2\n", " a =1..1 b=2..2"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct csv_options options = {.rules = CSV_FIRST_LINE};
		struct table table;
		char said[200];
		assert_int_equal(csv_read(cases[i].text, strlen(cases[i].text), &options, VALUES_ALL, &table, NULL), 0);
		summary(&table, said, sizeof said);
		assert_string_equal(said, cases[i].summary);
		assert_true(table.first_name_counts);
		table_free(&table);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(texts_that_are_understood),
	    cmocka_unit_test(texts_that_are_refused),
	    cmocka_unit_test(utf16),
	    cmocka_unit_test(what_is_noted),
	    cmocka_unit_test(times_stand_beside_the_rows),
	    cmocka_unit_test(timestamps),
	    cmocka_unit_test(numbers_to_the_last_bit),
	    cmocka_unit_test(properties_that_are_none),
	    cmocka_unit_test(texts_of_before),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
