/* The worker's command line options: every form, limit and refusal of a table. */
#include "tests/unit/job_fixture.h"

#include "server/worker/options.h"

enum { OUT, DATA, FLAG, SECONDS, COUNT };

static const struct option table[] = {[OUT] = {"--out", OPTION_TEXT, true, "DIR", NULL, "where"},
                                      [DATA] = {"--data", OPTION_TEXT, false, "FILE", NULL, "what"},
                                      [FLAG] = {"--flag", OPTION_FLAG, false, NULL, NULL, "whether"},
                                      [SECONDS] = {"--seconds", OPTION_SECONDS, false, "S", "10", "how long"},
                                      [COUNT] = {"--count", OPTION_COUNT, false, "N", "1", "how many"},
                                      {0}};

static const char *operand;
static struct option_value values[OPTIONS_MAX];
static struct qlstm_error error;

/* Reads a line of words, separated by blanks; "_" stands for an empty word. */
static int reads(const char *line)
{
	static char text[256];
	char *words[16];
	int count = 0;
	snprintf(text, sizeof text, "%s", line);
	for (char *word = strtok(text, " "); word != NULL; word = strtok(NULL, " "))
		words[count++] = strcmp(word, "_") == 0 ? "" : word;
	error_clear(&error);
	memset(values, 0xff, sizeof values);
	return options_read(table, "SPEC", count, words, &operand, values, &error);
}

static void forms(void **state)
{
	(void)state;
	assert_int_equal(reads("--out dir spec --flag --seconds=2.5 --count 3"), 0);
	assert_string_equal(operand, "spec");
	assert_true(values[OUT].given && values[FLAG].given && values[SECONDS].given && values[COUNT].given);
	assert_string_equal(values[OUT].text, "dir");
	assert_string_equal(values[SECONDS].text, "2.5");
	assert_true(values[SECONDS].number == 2.5 && values[COUNT].number == 3);
	assert_true(!values[DATA].given && values[DATA].text == NULL);
	for (int k = COUNT + 1; k < OPTIONS_MAX; k++)
		assert_true(!values[k].given && values[k].text == NULL && values[k].number == 0);

	assert_int_equal(reads("--data=a=b --out=x - "), 0);
	assert_string_equal(operand, "-");
	assert_string_equal(values[DATA].text, "a=b");
	assert_string_equal(values[OUT].text, "x");
	assert_false(values[FLAG].given);
	/* Fallbacks are read like what is given, without counting as given. */
	assert_true(!values[SECONDS].given && values[SECONDS].number == 10 && !values[COUNT].given);
	assert_true(values[COUNT].number == 1);
	assert_string_equal(values[SECONDS].text, "10");

	assert_int_equal(reads("--out x -- --flag"), 0);
	assert_string_equal(operand, "--flag");
	assert_false(values[FLAG].given);
	assert_int_equal(reads("--out -x spec"), 0); /* a value may begin with one dash */
	assert_string_equal(values[OUT].text, "-x");
}

static void refusals(void **state)
{
	(void)state;
	static const struct {
		const char *line, *message;
	} cases[] = {
	    {"spec", "--out DIR is missing"},
	    {"--out x", "SPEC is missing"},
	    {"--out", "--out needs a value: DIR"},
	    {"--out --flag spec", "--out needs a value: DIR"},
	    {"--out= spec", "--out needs a value: DIR"},
	    {"--out _ spec", "--out needs a value: DIR"},
	    {"--out x --out y spec", "--out is given twice"},
	    {"--out x --flag --flag spec", "--flag is given twice"},
	    {"--out x --flag=1 spec", "--flag takes no value"},
	    {"--out x a b", "unexpected argument 'b'"},
	    {"--out x -- a --flag", "unexpected argument '--flag'"},
	    {"--ouz x spec", "unknown option '--ouz'; did you mean '--out'?"},
	    {"--ou x spec", "unknown option '--ou'; did you mean '--out'?"},
	    {"--outs x spec", "unknown option '--outs'; did you mean '--out'?"},
	    {"--countx 2 spec", "unknown option '--countx'; did you mean '--count'?"},
	    {"--xyzzyxyzzy spec", "unknown option '--xyzzyxyzzy'"},
	    {"-o spec", "unknown option '-o'"},
	    {"--out x --seconds -1 s", "--seconds is '-1'; it takes a number of seconds, 0 or more"},
	    {"--out x --seconds 1s s", "--seconds is '1s'; it takes a number of seconds, 0 or more"},
	    {"--out x --seconds inf s", "--seconds is 'inf'; it takes a number of seconds, 0 or more"},
	    {"--out x --seconds nan s", "--seconds is 'nan'; it takes a number of seconds, 0 or more"},
	    {"--out x --seconds soon s", "--seconds is 'soon'; it takes a number of seconds, 0 or more"},
	    {"--out x --count 0 s", "--count is '0'; it takes a whole number, 1 or more"},
	    {"--out x --count 1.5 s", "--count is '1.5'; it takes a whole number, 1 or more"},
	    {"--out x --count -2 s", "--count is '-2'; it takes a whole number, 1 or more"},
	    {"--out x --count 2147483648 s", "--count is '2147483648'; it takes a whole number, 1 or more"},
	};
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		assert_int_equal(reads(cases[k].line), ERR_INVALID);
		assert_string_equal(error.message, cases[k].message);
	}
}

static void limits(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		double seconds, count;
	} cases[] = {
	    {"--out x s --seconds 0 --count 1", 0, 1},
	    {"--out x s --seconds 1e308 --count 2147483647", 1e308, 2147483647},
	    {"--out x s --seconds 0.001 --count 2", 0.001, 2},
	};
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		assert_int_equal(reads(cases[k].line), 0);
		assert_true(values[SECONDS].number == cases[k].seconds && values[COUNT].number == cases[k].count);
	}
}

/* A command without an operand; a fallback that is wrong is the table's fault and no value. */
static void tables(void **state)
{
	(void)state;
	static const struct option wrong[] = {{"--seconds", OPTION_SECONDS, false, "S", "soon", ""}, {0}};
	static char word[] = "spec";
	char *words[] = {word};
	error_clear(&error);
	assert_int_equal(options_read(table + DATA, NULL, 0, NULL, &operand, values, &error), 0);
	assert_null(operand);
	assert_int_equal(options_read(table + DATA, NULL, 1, words, &operand, values, &error), ERR_INVALID);
	assert_string_equal(error.message, "unexpected argument 'spec'");
	assert_int_equal(options_read(wrong, NULL, 0, NULL, &operand, values, NULL), ERR_INVALID);
}

static void printed(void **state)
{
	(void)state;
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);
	options_print_usage(file, table, "SPEC");
	fputc('|', file);
	options_print_usage(file, table + FLAG, NULL);
	fputc('\n', file);
	options_print_table(file, table);
	fclose(file);
	assert_string_equal(text, " SPEC --out DIR [--data FILE] [--flag] [--seconds S] [--count N]| [--flag] "
	                          "[--seconds S] [--count N]\n"
	                          "  --out DIR                  where\n"
	                          "  --data FILE                what\n"
	                          "  --flag                     whether\n"
	                          "  --seconds S                how long (default 10)\n"
	                          "  --count N                  how many (default 1)\n");
	free(text);
}

/* A table that has more rows than there is room for values is refused before any of them is written. */
static void rows_of_a_table(void **state)
{
	(void)state;
	static char names[OPTIONS_MAX + 1][8];
	static struct option many[OPTIONS_MAX + 2];
	char *none[] = {NULL};
	for (int i = 0; i <= OPTIONS_MAX; i++) {
		snprintf(names[i], sizeof names[i], "--o%d", i);
		many[i] = (struct option){names[i], OPTION_FLAG, false, NULL, NULL, ""};
	}
	error_clear(&error);
	assert_int_equal(options_read(many, NULL, 0, none, &operand, values, &error), ERR_INTERNAL);
	assert_string_equal(error.message, "the command has 17 options; there is room for 16");
	many[OPTIONS_MAX] = (struct option){0};
	error_clear(&error);
	assert_int_equal(options_read(many, NULL, 0, none, &operand, values, &error), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(forms),  cmocka_unit_test(refusals), cmocka_unit_test(limits),
	    cmocka_unit_test(tables), cmocka_unit_test(printed),  cmocka_unit_test(rows_of_a_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
