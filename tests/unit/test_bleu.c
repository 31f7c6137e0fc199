/* BLEU: values worked by hand, tokens by the rules of mteval-v13a. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "engine/score/bleu.h"

static void add(struct bleu *bleu, const char *said, const char *reference)
{
	assert_int_equal(bleu_add(bleu, said, reference, NULL), 0);
}

static void near(double value, double expected)
{
	if (!(fabs(value - expected) < 1e-12))
		fail_msg("%.15g is not %.15g", value, expected);
}

/* 5 of 6 tokens, 3 of 5 pairs, 1 of 4 triples, none of 3: smoothed 1 / (2 x 3). */
static void one_text(void **state)
{
	(void)state;
	struct bleu bleu = {0};
	add(&bleu, "the cat sat on the mat", "the cat is on the mat");
	const size_t matches[] = {5, 3, 1, 0}, totals[] = {6, 5, 4, 3};
	const double precisions[] = {5.0 / 6, 3.0 / 5, 1.0 / 4, 1.0 / 6};
	for (int n = 0; n < BLEU_ORDER; n++) {
		assert_int_equal(bleu.matches[n], matches[n]);
		assert_int_equal(bleu.totals[n], totals[n]);
		near(bleu_precision(&bleu, n), precisions[n]);
	}
	near(bleu_brevity(&bleu), 1.0);
	near(bleu_score(&bleu), 100.0 * pow(5.0 / 6 * 3.0 / 5 / 4.0 / 6.0, 0.25));
}

/* Sums over texts; what is shorter than the references is worth e^(1 - 13 / 11). */
static void a_set_of_texts(void **state)
{
	(void)state;
	struct bleu bleu = {0};
	add(&bleu, "a b c d e", "a b c d e");
	add(&bleu, "the the the the the the", "the cat the mat the dog b c");
	/* 5 + 3 of 11; 4 + 0 of 9, 3 + 0 of 7, 2 + 0 of 5. */
	assert_int_equal(bleu.texts, 2);
	assert_int_equal(bleu.matches[0], 8);
	assert_int_equal(bleu.matches[3], 2);
	assert_int_equal(bleu.totals[3], 5);
	near(bleu_brevity(&bleu), exp(1.0 - 13.0 / 11.0));
	near(bleu_score(&bleu), 100.0 * exp(1.0 - 13.0 / 11.0) * pow(8.0 / 11 * 4 / 9 * 3 / 7 * 2 / 5, 0.25));
}

static void nothing_is_zero(void **state)
{
	(void)state;
	static const char *const cases[][2] = {{"", "a b"}, {"a", ""}, {"x y z v w", "a b c d e"}, {"a b c", "a b c"}};
	struct bleu none = {0};
	near(bleu_score(&none), 0.0);
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		struct bleu bleu = {0};
		add(&bleu, cases[k][0], cases[k][1]);
		near(bleu_score(&bleu), 0.0); /* of three tokens no four are said */
	}
	struct bleu same = {0};
	add(&same, "a b c d", "a b c d");
	near(bleu_score(&same), 100.0);
	struct bleu two = {0};
	add(&two, "a x c y z", "a b c d e"); /* nothing of 2, 3 and 4: 1/2, 1/4, 1/8 */
	near(bleu_precision(&two, 3), 1.0 / (8 * 2));
}

static void tokens(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
	    {"Costs $1,000.50 (net).", "Costs $ 1,000.50 ( net ) ."},
	    {"Hello, world!", "Hello , world !"},
	    {"don't a-b 10-20 1-", "don't a-b 10 - 20 1 -"},
	    {"Mr. X etc...", "Mr . X etc . . ."},
	    {"a.b 3.14 3. .5 x,5", "a . b 3.14 3 . . 5 x , 5"},
	    {"&quot;Q&amp;A&quot; &lt;x&gt; &amp;lt;", "\" Q & A \" < x > <"},
	    {"  tab\tand\nline\xc2\xa0nbsp\xe3\x80\x80wide ", "tab and line nbsp wide"},
	    {"\xe2\x80\x9eGr\xc3\xbc\xc3\x9f\x65\xe2\x80\x9c.", "\xe2\x80\x9eGr\xc3\xbc\xc3\x9f\x65\xe2\x80\x9c ."},
	    {"a/b:c;d", "a / b : c ; d"},
	    {"", ""},
	    {"<skipped>a-\nb", "ab"},
	};
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		char *cut = bleu_tokenize(cases[k][0]);
		assert_string_equal(cut, cases[k][1]);
		free(cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_text),
	    cmocka_unit_test(a_set_of_texts),
	    cmocka_unit_test(nothing_is_zero),
	    cmocka_unit_test(tokens),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
