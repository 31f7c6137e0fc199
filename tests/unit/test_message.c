/* What workers say is not trusted: lines, names, hashes, numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/run/lines.h"
#include "server/run/message.h"

#define SHA "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static struct message message;
static int epochs = INT32_MAX; /* of the run */

static int parse(const char *line)
{
	return message_parse(line, strlen(line), epochs, &message, NULL);
}

static void test_good_lines(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"type\":\"hello\",\"pid\":42,\"plan\":\"batch\"}"), 0);
	assert_int_equal(message.is.pid, 42);
	assert_int_equal(parse("{\"type\":\"epoch\",\"epoch\":3,\"train_loss\":1,\"test_loss\":null,"
	                       "\"gradient_norm\":0.5,\"seconds\":2}"),
	                 0);
	assert_int_equal(message.is.metrics.epoch, 3);
	assert_string_equal(message.is.metrics.metrics_json,
	                    "{\"train_loss\":1,\"test_loss\":null,\"gradient_norm\":0.5}");
	assert_int_equal(
	    parse("{\"type\":\"checkpoint\",\"epoch\":3,\"file\":\"c-3.safetensors\",\"sha256\":\"" SHA "\"}"), 0);
	assert_string_equal(message.is.checkpoint.file, "c-3.safetensors");
	assert_true(message_is_stored(&message));
	assert_int_equal(parse("{\"type\":\"heartbeat\"}"), 0);
	assert_false(message_is_stored(&message));
	assert_int_equal(parse("{\"type\":\"error\",\"reason\":\"nan_loss\",\"message\":\"m\"}"), 0);
	assert_int_equal(message.is.text.reason, REASON_NAN_LOSS);
	assert_int_equal(parse("{\"type\":\"error\"}"), 0);
	assert_int_equal(message.is.text.reason, REASON_INTERNAL);
	assert_int_equal(parse("{\"type\":\"error\",\"reason\":\"user_cancelled\"}"), 0);
	assert_int_equal(message.is.text.reason, REASON_INTERNAL);
}

static void test_epochs_that_there_are_not(void **state)
{
	(void)state;
	epochs = 100;
	static const struct {
		int epoch, expected;
	} cases[] = {{1, 0}, {100, 0}, {0, ERR_OUT_OF_RANGE}, {101, ERR_OUT_OF_RANGE}, {2147483647, ERR_OUT_OF_RANGE}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char line[256];
		snprintf(line, sizeof line, "{\"type\":\"epoch\",\"epoch\":%d,\"train_loss\":1,\"seconds\":2}",
		         cases[i].epoch);
		assert_int_equal(parse(line), cases[i].expected);
		snprintf(line, sizeof line,
		         "{\"type\":\"checkpoint\",\"epoch\":%d,\"file\":\"c\",\"sha256\":\"" SHA "\"}",
		         cases[i].epoch);
		assert_int_equal(parse(line), cases[i].expected);
	}
	epochs = 0; /* a prediction: it has results all the same */
	assert_int_equal(parse("{\"type\":\"epoch\",\"epoch\":1,\"train_loss\":1,\"seconds\":1}"), ERR_OUT_OF_RANGE);
	assert_int_equal(parse("{\"type\":\"log\",\"level\":\"info\",\"message\":\"x\"}"), 0);
	epochs = INT32_MAX;
}

/* No code that a terminal obeys: of C0, DEL, of C1 (two bytes of UTF-8). What only looks like one stays. */
static void test_control_characters(void **state)
{
	(void)state;
	static const char *const kinds[] = {"log", "error"};
	for (size_t i = 0; i < 2; i++) {
		char line[256];
		snprintf(line, sizeof line,
		         "{\"type\":\"%s\",\"message\":\"a\\u001b[2Jb\\nc\\u007fd\\u009be\\u00a0\\u00e9\"}", kinds[i]);
		assert_int_equal(parse(line), 0);
		assert_string_equal(message.is.text.message, "a [2Jb c d  e\u00a0\u00e9");
	}
}

static void test_unknown_types(void **state)
{
	(void)state;
	assert_int_equal(parse("{\"type\":\"later\"}"), ERR_NOT_FOUND);
	assert_int_equal(parse("{\"type\":7}"), ERR_INVALID);
	assert_int_equal(parse("[]"), ERR_INVALID);
	assert_int_equal(parse(""), ERR_SYNTAX);
	assert_int_equal(parse("{\"type\":\"hello\",\"pid\":1,\"pid\":2}"), ERR_SYNTAX);
	assert_int_equal(parse("\xff\xfe"), ERR_SYNTAX);
}

static void test_bad_values(void **state)
{
	(void)state;
	static const char *const lines[] = {
	    "{\"type\":\"hello\",\"pid\":-1}",
	    "{\"type\":\"hello\",\"pid\":\"1\"}",
	    "{\"type\":\"hello\",\"pid\":99999999999}",
	    "{\"type\":\"epoch\",\"epoch\":1,\"train_loss\":null,\"seconds\":1}",
	    "{\"type\":\"epoch\",\"epoch\":1.5,\"train_loss\":1,\"seconds\":1}",
	    "{\"type\":\"epoch\",\"epoch\":1,\"train_loss\":1,\"seconds\":-1}",
	    "{\"type\":\"epoch\",\"epoch\":1,\"train_loss\":1}",
	    "{\"type\":\"checkpoint\",\"epoch\":1,\"file\":\"a\"}",
	    "{\"type\":\"checkpoint\",\"epoch\":1,\"file\":\"a\",\"sha256\":\"short\"}",
	    "{\"type\":\"done\",\"artifacts\":[]}",
	    "{\"type\":\"done\",\"artifacts\":{}}",
	    "{\"type\":\"done\",\"artifacts\":[{\"name\":\"a\",\"file\":\"a\",\"bytes\":-1,\"sha256\":\"" SHA "\"}]}",
	    "{\"type\":\"done\",\"artifacts\":[{\"name\":\"a\",\"file\":\"a\",\"bytes\":1,\"sha256\":\"" SHA "\"},"
	    "{\"name\":\"a\",\"file\":\"b\",\"bytes\":1,\"sha256\":\"" SHA "\"}]}",
	};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
		assert_int_equal(parse(lines[i]), ERR_INVALID);
}

static void test_names_lead_nowhere(void **state)
{
	(void)state;
	static const char *const names[] = {
	    "",    ".",     "..",        ".hidden",     "../spec.json", "/etc/passwd", "a/b",      "a\\\\b",
	    "a b", "a\\nb", "a\\u0000b", "caf\xc3\xa9", "a%2e%2e",      "~",           "-$(true)", "$HOME/.ssh/x"};
	char line[512];
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(line, sizeof line,
		         "{\"type\":\"checkpoint\",\"epoch\":1,\"file\":\"%s\",\"sha256\":\"" SHA "\"}", names[i]);
		assert_true(parse(line) < 0);
	}
	char longest[80];
	memset(longest, 'a', sizeof longest);
	longest[64] = '\0';
	snprintf(line, sizeof line, "{\"type\":\"checkpoint\",\"epoch\":1,\"file\":\"%s\",\"sha256\":\"" SHA "\"}",
	         longest);
	assert_int_equal(parse(line), ERR_INVALID);
	longest[63] = '\0';
	snprintf(line, sizeof line, "{\"type\":\"checkpoint\",\"epoch\":1,\"file\":\"%s\",\"sha256\":\"" SHA "\"}",
	         longest);
	assert_int_equal(parse(line), 0);
}

/* What the lines were, one after the other with their lengths; "?" for one that was too long. */
struct heard {
	char text[256];
	int count, too_long;
};

static void hear(void *context, const char *text, size_t length)
{
	struct heard *heard = context;
	heard->count++;
	heard->too_long += text == NULL;
	if (text != NULL && length < 64)
		strncat(heard->text, text, length);
	strcat(heard->text, "|");
}

static void feed(struct lines *lines, const char *bytes, size_t length, size_t step, struct heard *heard)
{
	for (size_t at = 0; at < length;) {
		size_t room = 0;
		char *place = lines_room(lines, &room);
		assert_true(room > 0);
		size_t count = step < length - at ? step : length - at;
		count = count < room ? count : room;
		memcpy(place, bytes + at, count);
		lines_feed(lines, count, hear, heard);
		at += count;
	}
}

static void test_lines_in_pieces(void **state)
{
	(void)state;
	static const char bytes[] = "one\n\ntwo two\nthree";
	for (size_t step = 1; step <= sizeof bytes; step++) {
		static struct lines lines;
		struct heard heard = {0};
		memset(&lines, 0, sizeof lines);
		feed(&lines, bytes, sizeof bytes - 1, step, &heard);
		assert_string_equal(heard.text, "one||two two|"); /* the last one is not whole */
	}
}

static void test_lines_too_long(void **state)
{
	(void)state;
	static char bytes[3 * LINE_MAX_BYTES];
	static const size_t lengths[] = {LINE_MAX_BYTES - 2, LINE_MAX_BYTES - 1, LINE_MAX_BYTES,
	                                 LINE_MAX_BYTES + 1, 2 * LINE_MAX_BYTES, 2 * LINE_MAX_BYTES + 1};
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		static struct lines lines;
		struct heard heard = {0};
		memset(&lines, 0, sizeof lines);
		memset(bytes, 'x', lengths[i]);
		memcpy(bytes + lengths[i], "\nnext\n", 6);
		feed(&lines, bytes, lengths[i] + 6, 4096, &heard);
		assert_int_equal(heard.count, 2);
		assert_int_equal(heard.too_long, lengths[i] >= LINE_MAX_BYTES);
		assert_string_equal(heard.text, "|next|");
	}
}

/* Their text has a limit: one byte more than there is room for is refused. */
static void test_many_metrics(void **state)
{
	(void)state;
	char line[METRICS_JSON_SIZE + 200], name[METRICS_JSON_SIZE + 100];
	for (size_t over = 0; over < 2; over++) {
		size_t length = METRICS_JSON_SIZE - strlen("{\"train_loss\":1,\"\":2}") - 1 + over;
		memset(name, 'x', length);
		name[length] = '\0';
		snprintf(line, sizeof line, "{\"type\":\"epoch\",\"epoch\":1,\"train_loss\":1,\"%s\":2,\"seconds\":1}",
		         name);
		assert_int_equal(parse(line), over == 0 ? 0 : ERR_INVALID);
	}
	assert_int_equal(strlen(message.is.metrics.metrics_json), 0);
	struct qlstm_error error = {0};
	assert_int_equal(message_parse(line, strlen(line), epochs, &message, &error), ERR_INVALID);
	assert_string_equal(error.message, "the metrics take 2048 bytes; at most 2047");
}

/* Every member arrives where it belongs. */
static void test_every_member(void **state)
{
	(void)state;
	assert_int_equal(
	    parse("{\"type\":\"epoch\",\"epoch\":3,\"train_loss\":1.5,\"test_loss\":2.5,\"gradient_norm\":3.5,"
	          "\"seconds\":4.5}"),
	    0);
	assert_int_equal(message.kind, MESSAGE_EPOCH);
	assert_string_equal(message.is.metrics.metrics_json,
	                    "{\"train_loss\":1.5,\"test_loss\":2.5,\"gradient_norm\":3.5}");
	assert_true(message.is.metrics.seconds == 4.5);
	assert_true(message_is_stored(&message));
	assert_int_equal(parse("{\"type\":\"epoch\",\"epoch\":1,\"train_loss\":-1,\"seconds\":0}"), 0);
	assert_string_equal(message.is.metrics.metrics_json, "{\"train_loss\":-1}");
	assert_true(message.is.metrics.seconds == 0);
	/* Any name of lower case letters, digits and underscores is a metric; what is no number is none. */
	assert_int_equal(
	    parse("{\"type\":\"epoch\",\"test_f1\":0.5,\"epoch\":1,\"A\":1,\"a b\":2,\"\":3,\"word\":\"x\","
	          "\"list\":[1],\"train_loss\":1,\"seconds\":0,\"n\":null}"),
	    0);
	assert_string_equal(message.is.metrics.metrics_json, "{\"test_f1\":0.5,\"train_loss\":1,\"n\":null}");
	assert_int_equal(parse("{\"type\":\"checkpoint\",\"epoch\":12,\"file\":\"c\",\"sha256\":\"" SHA "\"}"), 0);
	assert_int_equal(message.kind, MESSAGE_CHECKPOINT);
	assert_int_equal(message.is.checkpoint.epoch, 12);
	assert_string_equal(message.is.checkpoint.sha256, SHA);
	assert_int_equal(parse("{\"type\":\"log\",\"level\":\"warning\",\"message\":\"words\"}"), 0);
	assert_int_equal(message.kind, MESSAGE_LOG);
	assert_string_equal(message.is.text.level, "warning");
	assert_string_equal(message.is.text.message, "words");
	assert_true(message_is_stored(&message));
	assert_int_equal(parse("{\"type\":\"log\",\"level\":7}"), 0);
	assert_string_equal(message.is.text.level, "");
	assert_string_equal(message.is.text.message, "");
	assert_int_equal(parse("{\"type\":\"error\",\"reason\":\"disk_full\",\"message\":\"words\"}"), 0);
	assert_int_equal(message.kind, MESSAGE_ERROR);
	assert_string_equal(message.is.text.message, "words");
	assert_false(message_is_stored(&message));
	assert_int_equal(
	    parse("{\"type\":\"done\",\"artifacts\":[{\"name\":\"a\",\"file\":\"b\",\"bytes\":9007199254740993,"
	          "\"sha256\":\"" SHA "\"},{\"name\":\"c\",\"file\":\"d\",\"bytes\":0,\"sha256\":\"" SHA "\"}]}"),
	    0);
	assert_int_equal(message.kind, MESSAGE_DONE);
	assert_int_equal(message.is.done.n_artifacts, 2);
	assert_string_equal(message.is.done.artifacts[0].name, "a");
	assert_string_equal(message.is.done.artifacts[0].file, "b");
	assert_true(message.is.done.artifacts[0].bytes == 9007199254740993);
	assert_string_equal(message.is.done.artifacts[0].sha256, SHA);
	assert_string_equal(message.is.done.artifacts[1].name, "c");
	assert_false(message_is_stored(&message));
	assert_int_equal(parse("{\"type\":\"hello\",\"pid\":0}"), 0);
	assert_true(message_is_stored(&message));
}

/* A worker speaks for itself alone: what is the daemon's to decide becomes `internal`. */
static void test_reasons_that_a_worker_may_give(void **state)
{
	(void)state;
	static const enum run_reason its_own[] = {REASON_TIMEOUT,  REASON_OUT_OF_MEMORY, REASON_INVALID_DATA,
	                                          REASON_NAN_LOSS, REASON_DISK_FULL,     REASON_INTERNAL};
	for (int reason = 0; reason < REASON_COUNT; reason++) {
		char line[100];
		bool spoken = false;
		for (size_t i = 0; i < sizeof its_own / sizeof *its_own; i++)
			spoken = spoken || its_own[i] == (enum run_reason)reason;
		snprintf(line, sizeof line, "{\"type\":\"error\",\"reason\":\"%s\"}",
		         reason_name((enum run_reason)reason));
		assert_int_equal(parse(line), 0);
		assert_int_equal(message.is.text.reason, spoken ? reason : REASON_INTERNAL);
	}
}

/* The last value that is taken, and the first that is not. */
static void test_limits(void **state)
{
	(void)state;
	static const struct {
		const char *format;
		const char *taken, *refused;
	} cases[] = {
	    {"{\"type\":\"hello\",\"pid\":%s}", "2147483647", "2147483648"},
	    {"{\"type\":\"epoch\",\"epoch\":%s,\"train_loss\":1,\"seconds\":1}", "2147483647", "2147483648"},
	    {"{\"type\":\"epoch\",\"epoch\":1,\"train_loss\":1,\"seconds\":%s}", "0", "-0.001"},
	    {"{\"type\":\"epoch\",\"epoch\":%s,\"train_loss\":1,\"seconds\":1}", "1", "-1"},
	    {"{\"type\":\"checkpoint\",\"epoch\":1,\"file\":\"a\",\"sha256\":\"%s\"}", SHA, SHA "0"},
	    {"{\"type\":\"checkpoint\",\"epoch\":1,\"file\":\"a\",\"sha256\":\"%s\"}", SHA,
	     "Ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	    {"{\"type\":\"done\",\"artifacts\":[{\"name\":\"%s\",\"file\":\"a\",\"bytes\":1,\"sha256\":\"" SHA "\"}]}",
	     "0123456789012345678901234567890", "01234567890123456789012345678901"},
	    {"{\"type\":\"done\",\"artifacts\":[{\"name\":\"a\",\"file\":\"%s\",\"bytes\":1,\"sha256\":\"" SHA "\"}]}",
	     "01234567890123456789012345678901234567890123456", "012345678901234567890123456789012345678901234567"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char line[512];
		struct qlstm_error error = {0};
		snprintf(line, sizeof line, cases[i].format, cases[i].taken);
		assert_int_equal(parse(line), 0);
		snprintf(line, sizeof line, cases[i].format, cases[i].refused);
		assert_int_equal(message_parse(line, strlen(line), epochs, &message, &error), ERR_INVALID);
		assert_non_null(strstr(error.message, "is missing or not what it should be"));
	}
	char line[8192] = "{\"type\":\"done\",\"artifacts\":[";
	for (int i = 1; i <= MESSAGE_MAX_ARTIFACTS + 1; i++) {
		snprintf(line + strlen(line), sizeof line - strlen(line),
		         "%s{\"name\":\"n%d\",\"file\":\"a\",\"bytes\":1,\"sha256\":\"" SHA "\"}", i > 1 ? "," : "", i);
		size_t length = strlen(line);
		strcat(line, "]}");
		assert_int_equal(parse(line), i <= MESSAGE_MAX_ARTIFACTS ? 0 : ERR_INVALID);
		line[length] = '\0';
	}
}

/* Long words are cut, on a whole character. */
static void test_long_words(void **state)
{
	(void)state;
	char line[2000], words[1200] = "";
	for (int i = 0; i < 300; i++)
		strcat(words, "\xe2\x82\xac");
	snprintf(line, sizeof line, "{\"type\":\"log\",\"level\":\"%.30s\",\"message\":\"%s\"}", words, words);
	assert_int_equal(parse(line), 0);
	assert_int_equal(strlen(message.is.text.level), 15);
	assert_int_equal(strlen(message.is.text.message), 381);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good_lines),
	    cmocka_unit_test(test_epochs_that_there_are_not),
	    cmocka_unit_test(test_control_characters),
	    cmocka_unit_test(test_unknown_types),
	    cmocka_unit_test(test_bad_values),
	    cmocka_unit_test(test_names_lead_nowhere),
	    cmocka_unit_test(test_lines_in_pieces),
	    cmocka_unit_test(test_lines_too_long),
	    cmocka_unit_test(test_every_member),
	    cmocka_unit_test(test_many_metrics),
	    cmocka_unit_test(test_reasons_that_a_worker_may_give),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_long_words),
	};
	return cmocka_run_group_tests_name("message", tests, NULL, NULL);
}
