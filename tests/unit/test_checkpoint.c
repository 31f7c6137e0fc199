/* Checkpoints: what is in one, that every part of it is taken up again, and what is refused without harm. */
#include "tests/unit/training_fixture.h"

#include "engine/circuit/plan.h"
#include "engine/export/safetensors.h"
#include "engine/export/safetensors_seal.h"

static const char *const optimizers[] = {"sgd", "rmsprop", "adam", "lbfgs"};

static unsigned char *saved(const struct training *t, const char *fingerprint, size_t *length)
{
	unsigned char *bytes = NULL;
	struct qlstm_error error = {0};
	must(trainer_save(t->trainer, fingerprint, &bytes, length, &error), &error);
	return bytes;
}

static const double *block(const struct safetensors_file *file, const char *name, int rank, size_t rows, size_t columns)
{
	const struct safetensors_tensor *tensor = safetensors_find(file, name);
	assert_non_null(tensor);
	assert_int_equal(tensor->rank, rank);
	assert_int_equal(tensor->dims[0], rows);
	if (rank > 1)
		assert_int_equal(tensor->dims[1], columns);
	return tensor->data;
}

static void contents(void **state)
{
	(void)state;
	struct trainer_config config = small_training("rmsprop");
	struct training t;
	training_open(&t, &config);
	training_epoch(&t);
	training_epoch(&t);
	size_t length;
	unsigned char *bytes = saved(&t, "of this run", &length);
	struct safetensors_file file;
	assert_int_equal(safetensors_decode(bytes, length, &file, NULL), 0);
	const struct params *p = model_params(t.model);
	assert_int_equal(file.n_tensors, p->count + 2 + 1 + (trainer_kept_epoch(t.trainer, TRAINER_BEST) != 2));
	assert_int_equal(file.n_meta, 8);
	assert_string_equal(safetensors_meta_find(&file, "kind"), "qlstm-checkpoint-2");
	assert_string_equal(safetensors_meta_find(&file, "fingerprint"), "of this run");
	assert_string_equal(safetensors_meta_find(&file, "epoch"), "2");
	assert_string_equal(safetensors_meta_find(&file, "optimizer_steps"), "10");
	assert_int_equal(atoi(safetensors_meta_find(&file, "arithmetic")), QLSTM_ARITHMETIC);
	assert_string_equal(safetensors_meta_find(&file, "isa"), plan_isa());
	assert_string_equal(safetensors_meta_find(&file, "arithmetic_before"), "");
	assert_memory_equal(block(&file, "model.layers.0.weight_ih", 2, 12, 2), p->values, 24 * sizeof(double));
	for (int k = 0; k < p->count; k++) {
		char name[128];
		snprintf(name, sizeof name, "model.%s", p->items[k].name);
		assert_string_equal(file.tensors[k].name, name);
		assert_int_equal(file.tensors[k].rank, p->items[k].rank);
		assert_memory_equal(file.tensors[k].dims, p->items[k].dims, (size_t)p->items[k].rank * sizeof(size_t));
		assert_memory_equal(file.tensors[k].data, p->values + p->items[k].offset,
		                    p->items[k].size * sizeof(double));
	}
	const double *squares = block(&file, "optimizer.0", 1, p->size, 0);
	const double *momentum = block(&file, "optimizer.1", 1, p->size, 0);
	assert_true(squares[0] > 0 && momentum[0] != 0 && squares[0] != momentum[0]);
	const double *history = block(&file, "history", 2, 2, 5);
	for (int k = 0; k < 2; k++) {
		const struct epoch_metrics *m = &trainer_history(t.trainer)[k];
		const double row[5] = {m->epoch, m->values[0], m->values[1], m->values[2], m->seconds};
		assert_memory_equal(history + (size_t)k * 5, row, sizeof row);
	}
	safetensors_free(&file);
	free(bytes);
	training_close(&t);
}

/* A fresh trainer that takes it up saves the same bytes again, and goes on to the same bytes. */
static void all_of_it_is_taken_up(void **state)
{
	(void)state;
	for (size_t k = 0; k < 3; k++)
		for (int epochs = 0; epochs <= 4; epochs += 2) {
			struct trainer_config config = small_training(optimizers[k]);
			struct training a, b;
			struct qlstm_error error = {0};
			config.shuffle = true;
			training_open(&a, &config);
			training_open(&b, &config);
			for (int e = 0; e < epochs; e++)
				training_epoch(&a);
			size_t length, again;
			unsigned char *bytes = saved(&a, "x", &length);
			must(trainer_load(b.trainer, "x", bytes, length, &error), &error);
			assert_int_equal(trainer_epochs_done(b.trainer), epochs);
			for (int e = 0; e < epochs; e++)
				assert_same_metrics(&trainer_history(b.trainer)[e], &trainer_history(a.trainer)[e]);
			unsigned char *copy = saved(&b, "x", &again);
			assert_int_equal(again, length);
			assert_memory_equal(copy, bytes, length);
			for (int e = epochs; e < 4; e++) {
				struct epoch_metrics left = training_epoch(&a), right = training_epoch(&b);
				assert_true(left.values[0] == right.values[0] && left.values[1] == right.values[1]);
			}
			assert_int_equal(trainer_epoch(b.trainer, NULL, NULL, &(struct epoch_metrics){0}, &error),
			                 ERR_INVALID);
			assert_string_equal(error.message, "all 4 epochs are done");
			free(copy);
			free(bytes);
			training_close(&a);
			training_close(&b);
		}
}

/* The epoch of a row of the history is its place, whatever number stands there. */
static void epochs_of_the_history_are_counted(void **state)
{
	(void)state;
	struct trainer_config config = small_training("sgd");
	struct training t;
	struct qlstm_error error = {0};
	struct safetensors_file file;
	training_open(&t, &config);
	training_epoch(&t);
	training_epoch(&t);
	size_t length;
	unsigned char *bytes = saved(&t, "x", &length), *changed;
	assert_int_equal(safetensors_decode(bytes, length, &file, NULL), 0);
	free(bytes);
	double *history = (double *)(uintptr_t)block(&file, "history", 2, 2, 5);
	history[0] = -2e43;
	assert_int_equal(
	    safetensors_encode(file.tensors, file.n_tensors, file.meta, file.n_meta, &changed, &length, NULL), 0);
	assert_int_equal(safetensors_seal(changed, length), 0);
	must(trainer_load(t.trainer, "x", changed, length, &error), &error);
	assert_int_equal(trainer_history(t.trainer)[0].epoch, 1);
	assert_int_equal(trainer_history(t.trainer)[1].epoch, 2);
	free(changed);
	safetensors_free(&file);
	training_close(&t);
}

/* A checkpoint written anew with one thing changed. */
struct change {
	const char *key, *value; /* a metadata value; NULL value: leave it out */
	const char *tensor;      /* left out, or shortened by `shorten` */
	size_t shorten;
	int code;
	const char *message;
};

static const struct change changes[] = {
    {"kind", "qlstm-checkpoint-1", NULL, 0, ERR_CORRUPT, "the file is not a checkpoint"},
    {"kind", "qlstm-checkpoint-3", NULL, 0, ERR_CORRUPT, "the file is not a checkpoint"},
    {"kind", NULL, NULL, 0, ERR_CORRUPT, "the file is not a checkpoint"},
    {"fingerprint", NULL, NULL, 0, ERR_CORRUPT, "the file is not a checkpoint"},
    {"fingerprint", "y", NULL, 0, ERR_CONFLICT,
     "the checkpoint belongs to another experiment, or its data were others"},
    {"epoch", NULL, NULL, 0, ERR_CORRUPT, "the checkpoint's counters are not usable"},
    {"epoch", "", NULL, 0, ERR_CORRUPT, "the checkpoint's counters are not usable"},
    {"epoch", "-1", NULL, 0, ERR_CORRUPT, "the checkpoint's counters are not usable"},
    {"epoch", ":", NULL, 0, ERR_CORRUPT, "the checkpoint's counters are not usable"},
    {"epoch", "2x", NULL, 0, ERR_CORRUPT, "the checkpoint's counters are not usable"},
    {"epoch", "5", NULL, 0, ERR_CORRUPT, "the checkpoint's counters are not usable"},
    {"epoch", "3", NULL, 0, ERR_CORRUPT, "the checkpoint lacks its history"},
    {"arithmetic", "", NULL, 0, ERR_CORRUPT, "the file is not a checkpoint"},
    {SAFETENSORS_SEAL_KEY, NULL, NULL, 0, ERR_CORRUPT, "the file is not a checkpoint"},
    {"optimizer_steps", NULL, NULL, 0, ERR_CORRUPT, "the checkpoint's counters are not usable"},
    {"optimizer_steps", "many", NULL, 0, ERR_CORRUPT, "the checkpoint's counters are not usable"},
    {NULL, NULL, "model.layers.0.weight_ih", 0, ERR_CORRUPT,
     "the checkpoint lacks tensor 'model.layers.0.weight_ih' in its shape"},
    {NULL, NULL, "model.layers.1.bias", 0, ERR_CORRUPT,
     "the checkpoint lacks tensor 'model.layers.1.bias' in its shape"},
    {NULL, NULL, "model.layers.0.bias_hh", 1, ERR_CORRUPT,
     "the checkpoint lacks tensor 'model.layers.0.bias_hh' in its shape"},
    {NULL, NULL, "optimizer.0", 0, ERR_CORRUPT, "the checkpoint lacks tensor 'optimizer.0' in its shape"},
    {NULL, NULL, "optimizer.1", 1, ERR_CORRUPT, "the checkpoint lacks tensor 'optimizer.1' in its shape"},
    {NULL, NULL, "history", 0, ERR_CORRUPT, "the checkpoint lacks its history"},
    {NULL, NULL, "history", 1, ERR_CORRUPT, "the checkpoint lacks its history"},
};

static unsigned char *changed(const unsigned char *bytes, size_t length, const struct change *c, size_t *out)
{
	struct safetensors_file file;
	assert_int_equal(safetensors_decode(bytes, length, &file, NULL), 0);
	int tensors = 0, metas = 0;
	for (int k = 0; k < file.n_tensors; k++) {
		bool is = c->tensor != NULL && strcmp(file.tensors[k].name, c->tensor) == 0;
		if (is && c->shorten == 0)
			continue;
		file.tensors[tensors] = file.tensors[k];
		file.tensors[tensors++].dims[0] -= is ? c->shorten : 0;
	}
	for (int k = 0; k < file.n_meta; k++) {
		bool is = c->key != NULL && strcmp(file.meta[k].key, c->key) == 0;
		if (is && c->value == NULL)
			continue;
		file.meta[metas] = file.meta[k];
		if (is)
			file.meta[metas].value = c->value;
		metas++;
	}
	unsigned char *copy = NULL;
	assert_int_equal(safetensors_encode(file.tensors, tensors, file.meta, metas, &copy, out, NULL), 0);
	safetensors_free(&file);
	safetensors_seal(copy, *out);
	return copy;
}

/* Each is refused in its own words, and the trainer is where it was. */
static void refusals(void **state)
{
	(void)state;
	struct trainer_config config = small_training("adam");
	struct training t, fresh;
	training_open(&t, &config);
	training_open(&fresh, &config);
	training_epoch(&t);
	training_epoch(&t);
	size_t length, before_length, other_length;
	unsigned char *bytes = saved(&t, "x", &length), *before = saved(&fresh, "x", &before_length);
	for (size_t k = 0; k < sizeof changes / sizeof changes[0]; k++) {
		struct qlstm_error error = {0};
		unsigned char *other = changed(bytes, length, &changes[k], &other_length);
		assert_int_equal(trainer_load(fresh.trainer, "x", other, other_length, &error), changes[k].code);
		assert_string_equal(error.message, changes[k].message);
		free(other);
		other = saved(&fresh, "x", &other_length);
		assert_int_equal(other_length, before_length);
		assert_memory_equal(other, before, before_length);
		free(other);
	}
	assert_int_equal(trainer_load(fresh.trainer, "x", bytes, length, NULL), 0);
	free(bytes);
	free(before);
	training_close(&t);
	training_close(&fresh);
}

/* Every byte of the file counts. */
static void flipped_bits(void **state)
{
	(void)state;
	struct trainer_config config = small_training("sgd");
	struct training t, fresh;
	training_open(&t, &config);
	training_open(&fresh, &config);
	training_epoch(&t);
	size_t length;
	unsigned char *bytes = saved(&t, "x", &length);
	for (size_t at = 0; at < length; at++) {
		bytes[at] ^= (unsigned char)(1 << at % 8);
		if (trainer_load(fresh.trainer, "x", bytes, length, NULL) == 0)
			fail_msg("byte %zu of %zu", at, length);
		bytes[at] ^= (unsigned char)(1 << at % 8);
	}
	assert_int_equal(trainer_epochs_done(fresh.trainer), 0);
	assert_int_equal(trainer_load(fresh.trainer, "x", bytes, length, NULL), 0);
	free(bytes);
	training_close(&t);
	training_close(&fresh);
}

/* Of a whole file, as another program computes CRC-64/XZ (whose check value for "123456789" is 995dc9bbdf1939fa). */
static void the_checksum(void **state)
{
	(void)state;
	const struct safetensors_meta meta[] = {{"a", "\"crc64\":\"0123456789abcdef\""},
	                                        {SAFETENSORS_SEAL_KEY, SAFETENSORS_SEAL_EMPTY}};
	unsigned char *bytes;
	size_t length;
	bool sealed;
	assert_int_equal(safetensors_encode(NULL, 0, meta, 1, &bytes, &length, NULL), 0);
	assert_int_equal(safetensors_seal(bytes, length), ERR_INVALID);
	assert_int_equal(safetensors_seal_check(bytes, length, &sealed, NULL), 0);
	assert_false(sealed);
	free(bytes);
	assert_int_equal(safetensors_encode(NULL, 0, meta, 2, &bytes, &length, NULL), 0);
	assert_int_equal(safetensors_seal_check(bytes, length, &sealed, NULL), ERR_CORRUPT);
	assert_true(sealed);
	assert_int_equal(safetensors_seal(bytes, length), 0);
	assert_int_equal(safetensors_seal_check(bytes, length, &sealed, NULL), 0);
	struct safetensors_file file;
	assert_int_equal(safetensors_decode(bytes, length, &file, NULL), 0);
	assert_string_equal(safetensors_meta_find(&file, SAFETENSORS_SEAL_KEY), "72441a1108dccea0");
	safetensors_free(&file);
	free(bytes);
}

/* A checkpoint as another version or another instruction set would have written it. */
static unsigned char *of_other(const unsigned char *bytes, size_t length, const char *key, const char *value,
                               size_t *out)
{
	const struct change change = {.key = key, .value = value};
	return changed(bytes, length, &change, out);
}

static void another_arithmetic(void **state)
{
	(void)state;
	static const struct {
		const char *key, *value, *said, *noted;
	} others[] = {
	    {"arithmetic", "99", "computed with arithmetic 99 on", "up to epoch 1: 99 on "},
	    {"isa", "z80", "on z80, this is", "on z80"},
	};
	struct trainer_config config = small_training("sgd");
	struct training t;
	training_open(&t, &config);
	training_epoch(&t);
	size_t length, other_length;
	unsigned char *bytes = saved(&t, "x", &length);
	for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
		struct training fresh, again;
		struct qlstm_error error = {0};
		unsigned char *other = of_other(bytes, length, others[k].key, others[k].value, &other_length);
		training_open(&fresh, &config);
		training_open(&again, &config);
		assert_int_equal(trainer_load(fresh.trainer, "x", other, other_length, &error), ERR_CONFLICT);
		assert_non_null(strstr(error.message, others[k].said));
		assert_int_equal(trainer_epochs_done(fresh.trainer), 0);
		trainer_allow_arithmetic(fresh.trainer);
		assert_int_equal(trainer_load(fresh.trainer, "x", other, other_length, NULL), 0);
		assert_non_null(strstr(trainer_arithmetic_before(fresh.trainer), others[k].noted));
		free(other);
		/* The next checkpoint is of this arithmetic, needs no leave, and still says so. */
		training_epoch(&fresh);
		other = saved(&fresh, "x", &other_length);
		assert_int_equal(trainer_load(again.trainer, "x", other, other_length, NULL), 0);
		assert_string_equal(trainer_arithmetic_before(again.trainer), trainer_arithmetic_before(fresh.trainer));
		free(other);
		training_close(&fresh);
		training_close(&again);
	}
	/* One that gives the same bytes is no other arithmetic. */
	if (plan_isa_same_bytes("x86-64-v3") && plan_isa_same_bytes("x86-64-v4")) {
		struct training fresh;
		unsigned char *other = of_other(bytes, length, "isa", "x86-64-v3", &other_length);
		training_open(&fresh, &config);
		assert_int_equal(trainer_load(fresh.trainer, "x", other, other_length, NULL), 0);
		assert_string_equal(trainer_arithmetic_before(fresh.trainer), "");
		free(other);
		training_close(&fresh);
	}
	free(bytes);
	training_close(&t);
}

/* As versions before the checksum wrote it: taken, as arithmetic 0 on an instruction set that it does not tell. */
static void the_first_kind(void **state)
{
	(void)state;
	struct trainer_config config = small_training("sgd");
	struct training t, fresh;
	training_open(&t, &config);
	training_open(&fresh, &config);
	training_epoch(&t);
	size_t length, old_length;
	unsigned char *bytes = saved(&t, "x", &length), *old = NULL;
	struct safetensors_file file;
	assert_int_equal(safetensors_decode(bytes, length, &file, NULL), 0);
	file.meta[0].value = "qlstm-checkpoint-1";
	assert_int_equal(safetensors_encode(file.tensors, file.n_tensors, file.meta, 4, &old, &old_length, NULL), 0);
	safetensors_free(&file);
	int rc = trainer_load(fresh.trainer, "x", old, old_length, NULL);
	assert_int_equal(rc, QLSTM_ARITHMETIC == 0 ? 0 : ERR_CONFLICT);
	trainer_allow_arithmetic(fresh.trainer);
	assert_int_equal(trainer_load(fresh.trainer, "x", old, old_length, NULL), 0);
	assert_int_equal(trainer_epochs_done(fresh.trainer), 1);
	assert_string_equal(trainer_arithmetic_before(fresh.trainer),
	                    QLSTM_ARITHMETIC == 0 ? "" : "up to epoch 1: 0 on an unknown instruction set");
	free(old);
	free(bytes);
	training_close(&t);
	training_close(&fresh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(contents),
	    cmocka_unit_test(all_of_it_is_taken_up),
	    cmocka_unit_test(epochs_of_the_history_are_counted),
	    cmocka_unit_test(refusals),
	    cmocka_unit_test(flipped_bits),
	    cmocka_unit_test(the_checksum),
	    cmocka_unit_test(another_arithmetic),
	    cmocka_unit_test(the_first_kind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
