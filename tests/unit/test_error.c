/* The error struct: whatever the text that goes into it, message and pointer are UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/error.h"
#include "engine/utf8.h"

#define UMLAUT "\xc3\xbc"

static void the_first_error_wins(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	assert_int_equal(error_set(&error, ERR_INVALID, "/a", "%d", 1), ERR_INVALID);
	assert_int_equal(error_set(&error, ERR_SYNTAX, "/b", "%d", 2), ERR_SYNTAX);
	assert_int_equal(error.code, ERR_INVALID);
	assert_string_equal(error.pointer, "/a");
	assert_string_equal(error.message, "1");
	assert_int_equal(error_set(NULL, ERR_IO, NULL, "-"), ERR_IO);
}

/* A format or a library has cut a letter in two. */
static void broken_letters_become_question_marks(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	error_set(&error, ERR_SYNTAX, "/a\xff/\xc3", "'%.3s' and '\x80', '" UMLAUT "'", UMLAUT UMLAUT);
	assert_string_equal(error.message, "'" UMLAUT "?' and '?', '" UMLAUT "'");
	assert_string_equal(error.pointer, "/a?/?");
}

/* 500 bytes of two-byte letters behind none or one byte: no letter is cut in two, and little is lost. */
static void long_texts_end_on_a_letter(void **state)
{
	(void)state;
	for (int odd = 0; odd < 2; odd++) {
		struct qlstm_error error = {0};
		char text[501] = "/";
		for (size_t i = (size_t)odd; i + 1 < sizeof text; i += 2)
			memcpy(text + i, UMLAUT, 2);
		text[498 + odd] = '\0';
		error_set(&error, ERR_INVALID, text, "%s", text);
		assert_null(strchr(error.message, '?'));
		assert_null(strchr(error.pointer, '?'));
		assert_in_range(strlen(error.message), sizeof error.message - 3, sizeof error.message - 1);
		assert_in_range(strlen(error.pointer), sizeof error.pointer - 2, sizeof error.pointer - 1);
		error_prefix(&error, "/ab");
		assert_memory_equal(error.pointer, "/ab" UMLAUT, odd ? 3 : 5);
		assert_in_range(strlen(error.pointer), sizeof error.pointer - 2, sizeof error.pointer - 1);
		assert_memory_equal(error.pointer + strlen(error.pointer) - 2, UMLAUT, 2);
		error_prefix(&error, text);
		utf8_clean(error.pointer);
		assert_null(strchr(error.pointer, '?'));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_first_error_wins),
	                                   cmocka_unit_test(broken_letters_become_question_marks),
	                                   cmocka_unit_test(long_texts_end_on_a_letter)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
