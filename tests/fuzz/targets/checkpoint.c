/* Checkpoints, as they are and with a checksum that fits: what is refused leaves the trainer as it was, what is taken
 * is saved again and taken again. */
#include "tests/fuzz/target.h"
#include "tests/unit/training_fixture.h"

#include "engine/export/safetensors.h"
#include "engine/export/safetensors_seal.h"

static unsigned char *save(const struct trainer *trainer, size_t *length)
{
	unsigned char *bytes = NULL;
	CHECK(trainer_save(trainer, "x", &bytes, length, NULL) == 0);
	return bytes;
}

static void check_load(struct trainer *trainer, const uint8_t *data, size_t size)
{
	struct qlstm_error error = {0};
	size_t before_length, after_length;
	unsigned char *before = save(trainer, &before_length);
	int rc = trainer_load(trainer, "x", data, size, &error);
	unsigned char *after = save(trainer, &after_length);
	if (rc != 0) {
		check_refusal(&error, rc);
		CHECK(before_length == after_length && memcmp(before, after, after_length) == 0);
	} else {
		size_t again_length;
		CHECK(trainer_load(trainer, "x", after, after_length, &error) == 0);
		unsigned char *again = save(trainer, &again_length);
		CHECK(again_length == after_length && memcmp(again, after, after_length) == 0);
		CHECK(trainer_epochs_done(trainer) >= 0 && trainer_epochs_done(trainer) <= 4);
		free(again);
	}
	free(before);
	free(after);
}

/* With the checksum of what the bytes have become, where they still are safetensors. */
static void check_sealed(struct trainer *trainer, const uint8_t *data, size_t size)
{
	unsigned char *copy = malloc(size > 0 ? size : 1);
	CHECK(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	if (safetensors_seal(copy, size) == 0)
		check_load(trainer, copy, size);
	free(copy);
}

static void open_training(struct training *training)
{
	struct trainer_config config = small_training("adam");
	training_open(training, &config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct training training; /* what was refused has left nothing, and what was taken is replaced */
	if (training.trainer == NULL)
		open_training(&training);
	check_load(training.trainer, data, size);
	check_sealed(training.trainer, data, size);
	return 0;
}

/* As versions wrote it that had no checksum. */
static void give_unsealed(target_give *give, void *context, const unsigned char *bytes, size_t length)
{
	struct safetensors_file file;
	unsigned char *out = NULL;
	size_t out_length, n = 0;
	CHECK(safetensors_decode(bytes, length, &file, NULL) == 0);
	for (int i = 0; i < file.n_meta; i++)
		if (strcmp(file.meta[i].key, SAFETENSORS_SEAL_KEY) != 0 &&
		    strncmp(file.meta[i].key, "arithmetic", 10) != 0)
			file.meta[n++] = file.meta[i];
	CHECK(safetensors_encode(file.tensors, file.n_tensors, file.meta, (int)n, &out, &out_length, NULL) == 0);
	give(context, out, out_length);
	free(out);
	safetensors_free(&file);
}

void target_seeds(target_give *give, void *context)
{
	struct training training;
	open_training(&training);
	for (int epoch = 0; epoch <= 4; epoch++) {
		size_t length;
		unsigned char *bytes = save(training.trainer, &length);
		give(context, bytes, length);
		give_unsealed(give, context, bytes, length);
		free(bytes);
		if (epoch < 4)
			training_epoch(&training);
	}
	training_close(&training);
}
