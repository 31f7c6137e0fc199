/* Strings of safetensors headers: every length of UTF-8 at its limits, written out and escaped; ranks and names in
 * messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/export/safetensors.h"

static int decode(const char *header, const void *data, size_t size, struct safetensors_file *out,
                  struct qlstm_error *error)
{
	size_t length = strlen(header);
	unsigned char *bytes = calloc(8 + length + size, 1);
	assert_non_null(bytes);
	for (int k = 0; k < 8; k++)
		bytes[k] = (unsigned char)((uint64_t)length >> (8 * k));
	memcpy(bytes + 8, header, length);
	if (size > 0)
		memcpy(bytes + 8 + length, data, size);
	int rc = safetensors_decode(bytes, 8 + length + size, out, error);
	free(bytes);
	return rc;
}

static const struct {
	const char *escaped, *utf8;
} characters[] = {
    {"\\u0001", "\x01"},
    {"\\u0020", " "},
    {"\\u007f", "\x7f"},
    {"\\u0080", "\xc2\x80"},
    {"\\u07ff", "\xdf\xbf"},
    {"\\u0800", "\xe0\xa0\x80"},
    {"\\ud7ff", "\xed\x9f\xbf"},
    {"\\uE000", "\xee\x80\x80"},
    {"\\uFfFF", "\xef\xbf\xbf"},
    {"\\uABCD", "\xea\xaf\x8d"},
    {"\\uabcd", "\xea\xaf\x8d"},
    {"\\uFEDC", "\xef\xbb\x9c"},
    {"\\ud800\\udc00", "\xf0\x90\x80\x80"},
    {"\\udbff\\udfff", "\xf4\x8f\xbf\xbf"},
    {"\\ud83d\\ude00", "\xf0\x9f\x98\x80"},
    {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
};

/* Escaped in a header, and written by us and read again. */
static void characters_at_their_limits(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof characters / sizeof characters[0]; k++) {
		char header[256];
		struct safetensors_file file;
		struct qlstm_error error = {0};
		snprintf(header, sizeof header, "{\"__metadata__\":{\"k\":\"<%s>\"}}", characters[k].escaped);
		if (decode(header, NULL, 0, &file, &error) != 0)
			fail_msg("%s: %s", header, error.message);
		char expected[64];
		snprintf(expected, sizeof expected, "<%s>", characters[k].utf8);
		assert_string_equal(safetensors_meta_find(&file, "k"), expected);
		safetensors_free(&file);
		const struct safetensors_meta meta = {expected, expected};
		unsigned char *bytes;
		size_t length;
		assert_int_equal(safetensors_encode(NULL, 0, &meta, 1, &bytes, &length, NULL), 0);
		assert_int_equal(safetensors_decode(bytes, length, &file, &error), 0);
		assert_string_equal(safetensors_meta_find(&file, expected), expected);
		safetensors_free(&file);
		free(bytes);
	}
}

static const char *const broken[] = {
    "{\"__metadata__\":{\"k\":\"\\u00G0\"}}",
    "{\"__metadata__\":{\"k\":\"\\u00@0\"}}",
    "{\"__metadata__\":{\"k\":\"\\u0000\"}}",
    "{\"__metadata__\":{\"k\":\"\\udbff\"}}",
    "{\"__metadata__\":{\"k\":\"\\udc00\"}}",
    "{\"__metadata__\":{\"k\":\"\\udfff\"}}",
    "{\"__metadata__\":{\"k\":\"\\ud800\\udbff\"}}",
    "{\"__metadata__\":{\"k\":\"\\ud800\\ue000\"}}",
    "{\"__metadata__\":{\"k\":\"\\ud800x\"}}",
    "{\"__metadata__\":{\"k\":\"\\a\"}}",
    "{\"__metadata__\":{\"k\":\"\x1f\"}}",
    "{\"__metadata__\":{\"k\":\"\xc0\x80\"}}",
    "{\"a\":{1:2}}",
    "{\"a\":{dtype:\"F64\",\"shape\":[],\"data_offsets\":[0,8]}}",
    "{\"a\":{\"dtype\" \"F64\",\"shape\":[],\"data_offsets\":[0,8]}}",
};

static void what_is_no_string(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof broken / sizeof broken[0]; k++) {
		struct safetensors_file file;
		struct qlstm_error error = {0};
		if (decode(broken[k], NULL, 0, &file, &error) != ERR_CORRUPT)
			fail_msg("%s: %s", broken[k], error.message);
	}
}

static void ranks_and_names(void **state)
{
	(void)state;
	const double numbers[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	const struct safetensors_tensor six = {"six", 6, {1, 2, 1, 2, 1, 2}, numbers};
	struct safetensors_file file;
	struct qlstm_error error = {0};
	unsigned char *bytes;
	size_t length;
	assert_int_equal(safetensors_encode(&six, 1, NULL, 0, &bytes, &length, NULL), 0);
	assert_int_equal(safetensors_decode(bytes, length, &file, NULL), 0);
	assert_int_equal(file.tensors[0].rank, 6);
	assert_memory_equal(file.tensors[0].dims, six.dims, sizeof six.dims);
	assert_memory_equal(file.tensors[0].data, numbers, sizeof numbers);
	safetensors_free(&file);
	free(bytes);
	/* The tensor that a message names is the one that it is about. */
	assert_int_equal(decode("{\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]},"
	                        "\"b\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[16,24]}}",
	                        numbers, 24, &file, &error),
	                 ERR_CORRUPT);
	assert_string_equal(error.message, "tensor 'b' starts at byte 16 of the data, not at 8");
	error_clear(&error);
	assert_int_equal(decode("{\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]},"
	                        "\"b\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[8,16]}}",
	                        numbers, 16, &file, &error),
	                 ERR_CORRUPT);
	assert_string_equal(error.message, "the offsets of tensor 'b' do not fit its shape, its type or the file");
	error_clear(&error);
	assert_int_equal(
	    decode("{\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}}", numbers, 16, &file, &error),
	    ERR_CORRUPT);
	assert_string_equal(error.message, "the tensors cover 8 bytes, the data part has 16");
	error_clear(&error);
	assert_int_equal(decode("{\"__metadata__\":{\"x\":\"1\",\"k\":\"1\",\"k\":\"2\"}}", NULL, 0, &file, &error),
	                 ERR_CORRUPT);
	assert_string_equal(error.message, "the name 'k' occurs twice");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(characters_at_their_limits),
	                                   cmocka_unit_test(what_is_no_string), cmocka_unit_test(ranks_and_names)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
