/* safetensors: what is read can be written, and read again to the same. */
#include "tests/fuzz/target.h"

#include "engine/export/safetensors.h"

static size_t count_of(const struct safetensors_tensor *tensor)
{
	size_t count = 1;
	for (int i = 0; i < tensor->rank; i++)
		count *= tensor->dims[i];
	return count;
}

static void check_equal(const struct safetensors_file *a, const struct safetensors_file *b)
{
	CHECK(a->n_tensors == b->n_tensors && a->n_meta == b->n_meta);
	for (int i = 0; i < a->n_tensors; i++) {
		const struct safetensors_tensor *one = &a->tensors[i], *other = safetensors_find(b, one->name);
		CHECK(other != NULL && one->rank == other->rank && one->rank <= SAFETENSORS_MAX_RANK);
		CHECK(memcmp(one->dims, other->dims, (size_t)one->rank * sizeof one->dims[0]) == 0);
		CHECK(count_of(one) == 0 || memcmp(one->data, other->data, count_of(one) * sizeof(double)) == 0);
	}
	for (int i = 0; i < a->n_meta; i++)
		CHECK(strcmp(a->meta[i].value, safetensors_meta_find(b, a->meta[i].key)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct safetensors_file file = {0}, again = {0};
	struct qlstm_error error = {0};
	unsigned char *bytes = NULL;
	size_t length = 0;
	int rc = safetensors_decode(data, size, &file, &error);
	if (rc != 0) {
		check_refusal(&error, rc);
		return 0;
	}
	CHECK(safetensors_encode(file.tensors, file.n_tensors, file.meta, file.n_meta, &bytes, &length, &error) == 0);
	CHECK(safetensors_decode(bytes, length, &again, &error) == 0);
	check_equal(&file, &again);
	safetensors_free(&again);
	safetensors_free(&file);
	free(bytes);
	return 0;
}

static void give_file(target_give *give, void *context, const char *header, size_t length)
{
	unsigned char file[1024] = {(unsigned char)strlen(header)};
	size_t start = 8 + strlen(header);
	memcpy(file + 8, header, strlen(header));
	for (size_t i = 0; i < length; i++)
		file[start + i] = i % 8 == 7 ? 0x3f : (unsigned char)(i * 29);
	give(context, file, start + length);
}

void target_seeds(target_give *give, void *context)
{
	static const double values[] = {1, -2.5, 1e300, 0, 3, 4};
	static const struct safetensors_tensor tensors[] = {{"a", 2, {2, 3}, values},
	                                                    {"layers.0.weight", 1, {2}, values},
	                                                    {"nothing", 1, {0}, values},
	                                                    {"scalar", 0, {0}, values}};
	static const struct safetensors_meta meta[] = {{"format", "pt"}, {"kind", "qlstm \"\\ \xc3\xbc"}};
	for (int n = 0; n <= 4; n++) {
		unsigned char *bytes = NULL;
		size_t length = 0;
		CHECK(safetensors_encode(tensors, n, meta, n / 2, &bytes, &length, NULL) == 0);
		give(context, bytes, length);
		free(bytes);
	}
	give_file(give, context, "{\"w\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}}", 12);
	give_file(give, context, "{\"w\":{\"dtype\":\"BF16\",\"shape\":[1,1],\"data_offsets\":[0,2]}}", 2);
	give_file(give, context,
	          "{\"__metadata__\":{\"a\":\"\\u00e9\"},\"w\":{\"dtype\":\"F64\",\"shape\":[1,1],"
	          "\"data_offsets\":[0,8]}}   ",
	          8);
	give_file(give, context, "", 0);
}
