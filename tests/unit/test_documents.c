/* Texts of words as tables of texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "engine/data/csv.h"
#include "engine/data/documents.h"

static int read_as(const char *form, const char *text, int values, struct table *table, struct qlstm_error *error)
{
	struct csv_options options = {0};
	assert_int_equal(csv_say(&options, "text", form, NULL), 0);
	*table = (struct table){0};
	return csv_read(text, strlen(text), &options, values, table, error);
}

/* "label|text" of each row, with a slash behind each. */
static void assert_reads(const char *form, const char *text, const char *expected)
{
	struct table table;
	struct qlstm_error error = {0};
	char got[500] = "";
	read_as(form, text, VALUES_ALL, &table, &error);
	assert_string_equal(error.message, "");
	for (size_t row = 0; row < table.n_rows; row++)
		for (int k = 0; k < table.n_columns; k++) {
			const struct texts *texts = table.columns[k].texts;
			assert_int_equal(texts->count, table.n_rows);
			assert_true(!table.columns[k].numeric && table.columns[k].type == COLUMN_TEXT);
			snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", texts_at(texts, row),
			         k + 1 < table.n_columns ? "|" : "/");
		}
	assert_string_equal(got, expected);
	struct table described;
	read_as(form, text, VALUES_NONE, &described, &error);
	assert_int_equal(described.n_rows, table.n_rows);
	assert_null(described.columns[0].texts);
	assert_string_equal(described.notes[0], table.notes[0]);
	table_free(&described);
	table_free(&table);
}

static void each_form(void **state)
{
	(void)state;
	assert_reads("labelled", "good\ta fine\tfilm\n\nbad\tno\r\n", "good|a fine\tfilm/bad|no/");
	assert_reads("pairs", " guten Tag \tgood day", "guten Tag|good day/");
	assert_reads("lines", "one\n\n  two", "one//  two/");
	assert_reads("tagged", "The\tDET\ncat\tNOUN\n\n\nsat\tVERB\n", "The cat|DET NOUN/sat|VERB/");
	assert_reads("tagged", "The  cat\tDET NOUN\nsat\tVERB\n", "The cat|DET NOUN/sat|VERB/");
	assert_reads("lines", "caf\xe9\n", "caf\xc3\xa9/"); /* Latin-1 */
}

static void notes_and_columns(void **state)
{
	(void)state;
	struct table table;
	read_as("tagged", "a\tX\nb\tY\n\nc\tX\n", VALUES_NONE, &table, NULL);
	assert_string_equal(table.notes[0], "2 sentences, a token a line, of 3 tokens; 2 different tags");
	assert_string_equal(table.columns[0].name, "tokens");
	assert_string_equal(table.preview[0].text, "a b");
	assert_int_equal(table.n_preview, 2);
	table_free(&table);
	assert_string_equal(documents_column(TEXTS_PAIRS, 1), "target");
	assert_null(documents_column(TEXTS_LINES, 1));
	assert_null(documents_column(TEXTS_NONE, 0));
}

static void assert_refused(const char *form, const char *text, const char *message)
{
	struct table table;
	struct qlstm_error error = {0};
	assert_true(read_as(form, text, VALUES_ALL, &table, &error) < 0);
	assert_string_equal(error.message, message);
}

static void refusals(void **state)
{
	(void)state;
	assert_refused("labelled", "good\tx\nbad\n", "line 2: there is no tab between the two fields");
	assert_refused("labelled", "\tx\n", "line 1: nothing stands before the tab");
	assert_refused("pairs", "a\t\n", "line 1: nothing stands behind the tab");
	assert_refused("pairs", "a\tb\tc\n", "line 1: more than one tab; two fields are expected");
	assert_refused("tagged", "a b\tX\n", "line 1: there are fewer tags than tokens");
	assert_refused("tagged", "a b\tX Y Z\n", "line 1: there are more tags than tokens");
	assert_refused("lines", "", "there are no rows: the text is empty");
	assert_refused("tagged", "\n\n", "there are no rows: the text is empty");
	struct csv_options options = {0};
	assert_true(csv_say(&options, "text", "tales", NULL) < 0);
	csv_say(&options, "text", "lines", NULL);
	csv_say(&options, "decimal", ",", NULL);
	struct table table;
	struct qlstm_error error = {0};
	assert_true(csv_read("a\n", 2, &options, VALUES_ALL, &table, &error) < 0);
	assert_string_equal(error.message, "of a text of words encoding and skip_rows can be said");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_form),
	    cmocka_unit_test(notes_and_columns),
	    cmocka_unit_test(refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
