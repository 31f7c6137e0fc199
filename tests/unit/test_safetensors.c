/* safetensors: round trips, files of other writers, and files that must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/export/safetensors.h"
#include "engine/philox.h"

/* A file of the given header and data, in memory of exactly its size so that a sanitizer sees any step outside. */
static unsigned char *build(const char *header, size_t header_size, const void *data, size_t data_size)
{
	unsigned char *bytes = malloc(8 + header_size + data_size);
	assert_non_null(bytes);
	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)((uint64_t)header_size >> (8 * i));
	memcpy(bytes + 8, header, header_size);
	if (data_size > 0)
		memcpy(bytes + 8 + header_size, data, data_size);
	return bytes;
}

static int decode(const char *header, const void *data, size_t data_size, struct safetensors_file *out,
                  struct qlstm_error *error)
{
	unsigned char *bytes = build(header, strlen(header), data, data_size);
	int rc = safetensors_decode(bytes, 8 + strlen(header) + data_size, out, error);
	free(bytes);
	return rc;
}

static void round_trip(void **state)
{
	(void)state;
	static const double weights[] = {1.5, -0.0, 1e-310, INFINITY, -2, 3}, bias[] = {0.1};
	const struct safetensors_tensor tensors[] = {
	    {.name = "z \"quoted\\\" \x01 \xc3\xa4", .rank = 2, .dims = {2, 3}, .data = weights},
	    {.name = "b", .rank = 0, .data = bias},
	    {.name = "empty", .rank = 3, .dims = {4, 0, 2}, .data = NULL},
	};
	const struct safetensors_meta meta[] = {{"spec", "{\"a\":\n\t1}"}, {"", ""}};
	unsigned char *bytes;
	size_t length;
	assert_int_equal(safetensors_encode(tensors, 3, meta, 2, &bytes, &length, NULL), 0);
	assert_int_equal((length - 7 * sizeof(double)) % 8, 0);

	struct safetensors_file file;
	assert_int_equal(safetensors_decode(bytes, length, &file, NULL), 0);
	assert_int_equal(file.n_tensors, 3);
	for (int i = 0; i < 3; i++) {
		assert_string_equal(file.tensors[i].name, tensors[i].name);
		assert_int_equal(file.tensors[i].rank, tensors[i].rank);
		assert_memory_equal(file.tensors[i].dims, tensors[i].dims, sizeof tensors[i].dims);
	}
	assert_memory_equal(file.tensors[0].data, weights, sizeof weights);
	assert_memory_equal(safetensors_find(&file, "b")->data, bias, sizeof bias);
	assert_null(safetensors_find(&file, "c"));
	assert_string_equal(safetensors_meta_find(&file, "spec"), meta[0].value);
	assert_string_equal(safetensors_meta_find(&file, ""), "");
	assert_null(safetensors_meta_find(&file, "seed"));
	safetensors_free(&file);
	safetensors_free(&file);
	free(bytes);

	assert_int_equal(safetensors_encode(NULL, 0, NULL, 0, &bytes, &length, NULL), 0);
	assert_int_equal(length, 16);
	assert_int_equal(safetensors_decode(bytes, length, &file, NULL), 0);
	assert_int_equal(file.n_tensors, 0);
	safetensors_free(&file);
	free(bytes);
}

static void writes_the_documented_bytes(void **state)
{
	(void)state;
	static const double one = 1;
	static const char header[] = "{\"a\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]}}    ";
	unsigned char *bytes;
	size_t length;
	assert_int_equal(
	    safetensors_encode(&(struct safetensors_tensor){"a", 1, {1}, &one}, 1, NULL, 0, &bytes, &length, NULL), 0);
	assert_int_equal(length, 8 + 56 + 8);
	assert_memory_equal(bytes, "\x38\0\0\0\0\0\0\0", 8);
	assert_memory_equal(bytes + 8, header, 56);
	assert_memory_equal(bytes + 64, "\0\0\0\0\0\0\xf0\x3f", 8);
	free(bytes);
}

static void refuses_to_write_what_nobody_could_read(void **state)
{
	(void)state;
	static const double one = 1;
	unsigned char *bytes;
	size_t length;
	struct safetensors_tensor twice[] = {{"a", 1, {1}, &one}, {"a", 1, {1}, &one}};
	assert_int_equal(safetensors_encode(twice, 2, NULL, 0, &bytes, &length, NULL), ERR_INVALID);
	twice[1].name = "__metadata__";
	assert_int_equal(safetensors_encode(twice, 2, NULL, 0, &bytes, &length, NULL), ERR_INVALID);
	twice[1].name = "\xff";
	assert_int_equal(safetensors_encode(twice, 2, NULL, 0, &bytes, &length, NULL), ERR_INVALID);
	twice[1] = (struct safetensors_tensor){"b", 7, {1}, &one};
	assert_int_equal(safetensors_encode(twice, 2, NULL, 0, &bytes, &length, NULL), ERR_INVALID);
	twice[1] = (struct safetensors_tensor){"b", 2, {SIZE_MAX / 4, 3}, &one};
	assert_int_equal(safetensors_encode(twice, 2, NULL, 0, &bytes, &length, NULL), ERR_TOO_LARGE);
	const struct safetensors_meta meta[] = {{"k", "1"}, {"k", "2"}};
	assert_int_equal(safetensors_encode(twice, 1, meta, 2, &bytes, &length, NULL), ERR_INVALID);
}

static void reads_other_writers(void **state)
{
	(void)state;
	static const float narrow[] = {1.5f, -0.25f};
	static const double wide[] = {3};
	unsigned char data[16];
	memcpy(data, wide, 8);
	memcpy(data + 8, narrow, 8);
	struct safetensors_file file;
	struct qlstm_error error = {0};
	/* header order is not data order, fields in another order, blanks, escapes */
	int rc = decode(
	    "{ \"\\u0066\\ud83d\\ude00\\/\" : {\"shape\": [ 2 ], \"data_offsets\":[8 , 16],\n\t\"dtype\":\"F32\"},"
	    "\"d\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]},\"__metadata__\":{} }   ",
	    data, sizeof data, &file, &error);
	assert_string_equal(error.message, "");
	assert_int_equal(rc, 0);
	assert_string_equal(file.tensors[0].name, "f\xf0\x9f\x98\x80/");
	assert_true(file.tensors[0].data[0] == 1.5 && file.tensors[0].data[1] == -0.25);
	assert_true(safetensors_find(&file, "d")->data[0] == 3);
	safetensors_free(&file);
	assert_int_equal(decode("{}", NULL, 0, &file, NULL), 0);
	safetensors_free(&file);
}

#define ENTRY(shape, from, to) "{\"dtype\":\"F64\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"

/* Each is read with 16 bytes of data behind it. */
static const struct {
	const char *header;
	int code;
} broken[] = {
    {"", ERR_CORRUPT},
    {"[]", ERR_CORRUPT},
    {" {}", ERR_CORRUPT},
    {"{", ERR_CORRUPT},
    {"{}x", ERR_CORRUPT},
    {"{}", ERR_CORRUPT},
    {"{\"a\":" ENTRY("[2]", "0", "16") ",}", ERR_CORRUPT},
    {"{\"a\":" ENTRY("[2]", "0", "16"), ERR_CORRUPT},
    {"{\"a\":" ENTRY("[2]", "0", "16") "\"b\":1}", ERR_CORRUPT},
    {"{\"a\":" ENTRY("[1]", "0", "8") "}", ERR_CORRUPT},                                    /* data left over */
    {"{\"a\":" ENTRY("[1]", "8", "16") "}", ERR_CORRUPT},                                   /* a gap at the start */
    {"{\"a\":" ENTRY("[2]", "0", "16") ",\"b\":" ENTRY("[1]", "8", "16") "}", ERR_CORRUPT}, /* overlap */
    {"{\"a\":" ENTRY("[1]", "0", "8") ",\"b\":" ENTRY("[1]", "0", "8") "}", ERR_CORRUPT},   /* overlap */
    {"{\"a\":" ENTRY("[3]", "0", "24") "}", ERR_CORRUPT},                                   /* past the end */
    {"{\"a\":" ENTRY("[2]", "0", "8") "}", ERR_CORRUPT},                                    /* shape and size */
    {"{\"a\":" ENTRY("[1]", "16", "8") "}", ERR_CORRUPT},                                   /* backwards */
    {"{\"a\":" ENTRY("[4294967296,4294967296]", "0", "0") "}", ERR_CORRUPT},                /* product wraps to 0 */
    {"{\"a\":" ENTRY("[2305843009213693954]", "0", "16") "}", ERR_CORRUPT},                 /* bytes wrap to 16 */
    {"{\"a\":" ENTRY("[18446744073709551616]", "0", "16") "}", ERR_CORRUPT},                /* past SIZE_MAX */
    {"{\"a\":" ENTRY("[2]", "0", "18446744073709551615") "}", ERR_CORRUPT},
    {"{\"a\":" ENTRY("[1,1,1,1,1,1,2]", "0", "16") "}", ERR_INVALID}, /* rank 7 */
    {"{\"a\":" ENTRY("[02]", "0", "16") "}", ERR_CORRUPT},
    {"{\"a\":" ENTRY("[-2]", "0", "16") "}", ERR_CORRUPT},
    {"{\"a\":" ENTRY("[2.0]", "0", "16") "}", ERR_CORRUPT},
    {"{\"a\":" ENTRY("[2e0]", "0", "16") "}", ERR_CORRUPT},
    {"{\"a\":" ENTRY("[2,]", "0", "16") "}", ERR_CORRUPT},
    {"{\"a\":" ENTRY("2", "0", "16") "}", ERR_CORRUPT},
    {"{\"a\":" ENTRY("[2]", "0", "16,16") "}", ERR_CORRUPT},
    {"{\"a\":" ENTRY("[1]", "0", "8") ",\"a\":" ENTRY("[1]", "8", "16") "}", ERR_CORRUPT},       /* duplicate name */
    {"{\"a\":" ENTRY("[1]", "0", "8") ",\"\\u0061\":" ENTRY("[1]", "8", "16") "}", ERR_CORRUPT}, /* the same, escaped */
    {"{\"a\":{\"dtype\":\"F64\",\"shape\":[2]}}", ERR_CORRUPT},
    {"{\"a\":{}}", ERR_CORRUPT},
    {"{\"a\":{\"dtype\":\"F64\",\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]}}", ERR_CORRUPT},
    {"{\"a\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16],\"x\":1}}", ERR_CORRUPT},
    {"{\"a\":{\"dtype\":\"BF16\",\"shape\":[8],\"data_offsets\":[0,16]}}", ERR_INVALID},
    {"{\"a\":{\"dtype\":8,\"shape\":[2],\"data_offsets\":[0,16]}}", ERR_CORRUPT},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,16]}}", ERR_CORRUPT},
    {"{\"__metadata__\":{\"k\":1}}", ERR_CORRUPT},
    {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"},\"a\":" ENTRY("[2]", "0", "16") "}", ERR_CORRUPT},
    {"{\"__metadata__\":{},\"__metadata__\":{},\"a\":" ENTRY("[2]", "0", "16") "}", ERR_CORRUPT},
    {"{\"__metadata__\":[]}", ERR_CORRUPT},
    {"{\"a\\", ERR_CORRUPT},
    {"{\"a\\u00", ERR_CORRUPT},
    {"{\"a\\x\":" ENTRY("[2]", "0", "16") "}", ERR_CORRUPT},
    {"{\"\\u0000\":" ENTRY("[2]", "0", "16") "}", ERR_CORRUPT},
    {"{\"\\u00g0\":" ENTRY("[2]", "0", "16") "}", ERR_CORRUPT},
    {"{\"\\ud800\":" ENTRY("[2]", "0", "16") "}", ERR_CORRUPT},
    {"{\"\\ud800\\u0041\":" ENTRY("[2]", "0", "16") "}", ERR_CORRUPT},
    {"{\"\\udc00\":" ENTRY("[2]", "0", "16") "}", ERR_CORRUPT},
    {"{\"\xff\":" ENTRY("[2]", "0", "16") "}", ERR_CORRUPT},
    {"{\"\xe2\x82", ERR_CORRUPT},
    {"{\"\n\":" ENTRY("[2]", "0", "16") "}", ERR_CORRUPT},
};

static void refuses_broken_files(void **state)
{
	(void)state;
	static const double data[2] = {1, 2};
	for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
		struct safetensors_file file;
		struct qlstm_error error = {0};
		int rc = decode(broken[i].header, data, sizeof data, &file, &error);
		if (rc != broken[i].code || error.message[0] == '\0')
			fail_msg("%s: %d %s", broken[i].header, rc, error.message);
	}
	struct safetensors_file file;
	assert_int_equal(safetensors_decode(NULL, 0, &file, NULL), ERR_CORRUPT);
	assert_int_equal(safetensors_decode((const unsigned char *)"\x02\0\0\0\0\0\0", 7, &file, NULL), ERR_CORRUPT);
	assert_int_equal(safetensors_decode((const unsigned char *)"\x03\0\0\0\0\0\0\0{}", 10, &file, NULL),
	                 ERR_CORRUPT);
	assert_int_equal(
	    safetensors_decode((const unsigned char *)"\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, &file, NULL),
	    ERR_CORRUPT);
}

/* Cuts at every length, and single bytes changed: refused or read, never a step outside the memory. */
static void survives_damage(void **state)
{
	(void)state;
	static const double weights[] = {1, 2, 3};
	const struct safetensors_tensor tensors[] = {{"w", 1, {2}, weights}, {"\xc3\xa4\"", 0, {0}, weights + 2}};
	const struct safetensors_meta meta[] = {{"k", "\n"}};
	unsigned char *bytes;
	size_t length;
	struct safetensors_file file;
	assert_int_equal(safetensors_encode(tensors, 2, meta, 1, &bytes, &length, NULL), 0);
	for (size_t cut = 0; cut < length; cut++) {
		unsigned char *part = malloc(cut + 1);
		memcpy(part + 1, bytes, cut);
		assert_int_equal(safetensors_decode(part + 1, cut, &file, NULL), ERR_CORRUPT);
		free(part);
	}
	struct philox rng;
	philox_open(&rng, 3, PHILOX_TEST, 0);
	for (int i = 0; i < 50000; i++) {
		size_t at = philox_below(&rng, (uint32_t)length);
		unsigned char kept = bytes[at];
		bytes[at] = (unsigned char)philox_u32(&rng);
		if (safetensors_decode(bytes, length, &file, NULL) == 0)
			safetensors_free(&file);
		bytes[at] = kept;
	}
	free(bytes);
}

static void reads_many_tensors_quickly(void **state)
{
	(void)state;
	enum { N = 100000 };
	char *header = malloc(64 * (size_t)N), *at = header;
	assert_non_null(header);
	for (int i = 0; i < N; i++)
		at += sprintf(at, "%c\"%x\":" ENTRY("[0]", "0", "0"), i == 0 ? '{' : ',', (unsigned)i);
	memcpy(at, "}", 2);
	struct safetensors_file file;
	assert_int_equal(decode(header, NULL, 0, &file, NULL), 0);
	assert_int_equal(file.n_tensors, N);
	safetensors_free(&file);
	free(header);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(round_trip),
	    cmocka_unit_test(writes_the_documented_bytes),
	    cmocka_unit_test(refuses_to_write_what_nobody_could_read),
	    cmocka_unit_test(reads_other_writers),
	    cmocka_unit_test(refuses_broken_files),
	    cmocka_unit_test(survives_damage),
	    cmocka_unit_test(reads_many_tensors_quickly),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
