/* Checkpoints: the trainer's state as a safetensors file, so that other tools can open it too.
 *
 *   model.NAME        the parameters, in their shapes
 *   best              [n] the parameters after the best epoch, where that is not the newest, and behind them the state
 *   snapshot.EPOCH    [n] the same of an earlier epoch that is to be kept
 *   optimizer.SLOT    [n_params] the moments, in the order of the parameters
 *   history           [epochs done][5] epoch, train loss, test loss, gradient norm, seconds
 *   history.NAME      [epochs done] each further metric; one that a file lacks is NaN in the history
 *   __metadata__      kind, fingerprint, epoch, optimizer_steps; arithmetic, isa: what computed the newest epoch;
 *                     arithmetic_before: those of earlier epochs that were others; crc64 (safetensors_seal.h)
 *
 * Kind qlstm-checkpoint-1 is the same without the last four; its arithmetic is 0. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/export/safetensors.h"
#include "engine/export/safetensors_seal.h"
#include "engine/train/trainer_state.h"

#define CHECKPOINT_KIND "qlstm-checkpoint-2"
#define UNSEALED_KIND   "qlstm-checkpoint-1"
#define HISTORY_COLUMNS 5

static double *checkpoint_history(const struct trainer *t)
{
	double *rows = malloc((size_t)(t->epochs_done + 1) * HISTORY_COLUMNS * sizeof *rows);
	for (int k = 0; rows != NULL && k < t->epochs_done; k++) {
		const struct epoch_metrics *m = &t->history[k];
		double *row = rows + (size_t)k * HISTORY_COLUMNS;
		row[0] = m->epoch;
		row[1] = m->values[TRAIN_LOSS];
		row[2] = m->values[TEST_LOSS];
		row[3] = m->values[GRADIENT_NORM];
		row[4] = m->seconds;
	}
	return rows;
}

/* The metrics beyond those of all, one after the other. */
static double *checkpoint_further(const struct trainer *t)
{
	size_t epochs = (size_t)t->epochs_done, further = (size_t)t->n_metrics - METRICS_OF_ALL;
	double *columns = malloc((epochs * further + 1) * sizeof *columns);
	for (size_t c = 0; columns != NULL && c < further; c++)
		for (size_t k = 0; k < epochs; k++)
			columns[c * epochs + k] = t->history[k].values[METRICS_OF_ALL + c];
	return columns;
}

/* Whether the best epoch's parameters are known and others than the newest. */
static bool has_best(const struct trainer *t)
{
	return t->kept_epochs[TRAINER_BEST] != 0 && t->kept_epochs[TRAINER_BEST] != t->epochs_done;
}

/* Snapshots of earlier epochs than the newest. */
static int earlier_snapshots(const struct trainer *t)
{
	int n = trainer_snapshots(t);
	return n > 0 && t->config.snapshots.epochs[n - 1] == t->epochs_done ? n - 1 : n;
}

static void snapshot_name(const struct trainer *t, int k, char *out, size_t size)
{
	snprintf(out, size, "snapshot.%d", t->config.snapshots.epochs[k]);
}

struct checkpoint_names {
	char text[PARAM_NAME_SIZE + 16];
};

static void checkpoint_tensors(const struct trainer *t, const double *history, const double *further,
                               struct checkpoint_names *names, struct safetensors_tensor *tensors)
{
	const struct params *params = model_params(t->model);
	int n = 0;
	for (; n < params->count; n++) {
		const struct param *param = &params->items[n];
		snprintf(names[n].text, sizeof names[n].text, "model.%s", param->name);
		tensors[n] = (struct safetensors_tensor){
		    .name = names[n].text, .rank = param->rank, .data = params->values + param->offset};
		for (int k = 0; k < param->rank; k++)
			tensors[n].dims[k] = param->dims[k];
	}
	for (int slot = 0; slot < optimizer_slots(t->optimizer); slot++, n++) {
		snprintf(names[n].text, sizeof names[n].text, "optimizer.%d", slot);
		tensors[n] = (struct safetensors_tensor){.name = names[n].text,
		                                         .rank = 1,
		                                         .dims = {params->size},
		                                         .data = optimizer_slot(t->optimizer, slot)};
	}
	if (has_best(t))
		tensors[n++] = (struct safetensors_tensor){
		    .name = "best", .rank = 1, .dims = {params_elements(params)}, .data = t->kept[TRAINER_BEST]};
	for (int k = 0; k < earlier_snapshots(t); k++, n++) {
		snapshot_name(t, k, names[n].text, sizeof names[n].text);
		tensors[n] = (struct safetensors_tensor){
		    .name = names[n].text, .rank = 1, .dims = {params_elements(params)}, .data = t->snapshots[k]};
	}
	size_t epochs = (size_t)t->epochs_done;
	tensors[n++] = (struct safetensors_tensor){
	    .name = "history", .rank = 2, .dims = {epochs, HISTORY_COLUMNS}, .data = history};
	for (int k = METRICS_OF_ALL; k < t->n_metrics; k++, n++, further += epochs) {
		snprintf(names[n].text, sizeof names[n].text, "history.%s", t->names[k]);
		tensors[n] =
		    (struct safetensors_tensor){.name = names[n].text, .rank = 1, .dims = {epochs}, .data = further};
	}
}

int trainer_save(const struct trainer *t, const char *fingerprint, unsigned char **bytes, size_t *length,
                 struct qlstm_error *error)
{
	int count = model_params(t->model)->count + optimizer_slots(t->optimizer) + 1 + t->n_metrics - METRICS_OF_ALL +
	            has_best(t) + earlier_snapshots(t);
	struct checkpoint_names *names = calloc((size_t)count, sizeof *names);
	struct safetensors_tensor *tensors = calloc((size_t)count, sizeof *tensors);
	double *history = checkpoint_history(t), *further = checkpoint_further(t);
	int rc = ERR_OUT_OF_MEMORY;
	if (names == NULL || tensors == NULL || history == NULL || further == NULL) {
		error_set(error, rc, "", "out of memory");
		goto out;
	}
	checkpoint_tensors(t, history, further, names, tensors);
	char epoch[16], steps[24], arithmetic[16];
	snprintf(arithmetic, sizeof arithmetic, "%d", QLSTM_ARITHMETIC);
	snprintf(epoch, sizeof epoch, "%d", t->epochs_done);
	snprintf(steps, sizeof steps, "%llu", (unsigned long long)*optimizer_steps(t->optimizer));
	const struct safetensors_meta meta[] = {
	    {"kind", CHECKPOINT_KIND},
	    {"fingerprint", fingerprint},
	    {"epoch", epoch},
	    {"optimizer_steps", steps},
	    {"arithmetic", arithmetic},
	    {"isa", plan_isa()},
	    {"arithmetic_before", t->arithmetic_before},
	    {SAFETENSORS_SEAL_KEY, SAFETENSORS_SEAL_EMPTY},
	};
	rc = safetensors_encode(tensors, count, meta, (int)(sizeof meta / sizeof meta[0]), bytes, length, error);
	if (rc == 0)
		safetensors_seal(*bytes, *length);
out:
	free(further);
	free(history);
	free(tensors);
	free(names);
	return rc;
}

static int checkpoint_meta_number(const struct safetensors_file *file, const char *key, unsigned long long most,
                                  unsigned long long *out)
{
	const char *text = safetensors_meta_find(file, key);
	char *end;
	if (text == NULL || *text < '0' || *text > '9')
		return ERR_CORRUPT;
	*out = strtoull(text, &end, 10);
	return *end == '\0' && *out <= most ? 0 : ERR_CORRUPT;
}

/* The tensor of that name when it has exactly `size` elements. */
static const double *checkpoint_block(const struct safetensors_file *file, const char *name, size_t size)
{
	const struct safetensors_tensor *tensor = safetensors_find(file, name);
	if (tensor == NULL)
		return NULL;
	size_t elements = 1;
	for (int k = 0; k < tensor->rank; k++)
		elements *= tensor->dims[k];
	return elements == size ? tensor->data : NULL;
}

/* What computed the newest epoch of a checkpoint. */
struct arithmetic {
	unsigned long long revision;
	const char *isa; /* "": not known, taken as this one */
	const char *before;
};

/* A file of before there were revisions says nothing and is of revision 0. */
static int checkpoint_arithmetic(const struct safetensors_file *file, struct arithmetic *out)
{
	const char *isa = safetensors_meta_find(file, "isa"),
	           *before = safetensors_meta_find(file, "arithmetic_before");
	*out = (struct arithmetic){.isa = isa != NULL ? isa : "", .before = before != NULL ? before : ""};
	if (safetensors_meta_find(file, "arithmetic") == NULL)
		return 0;
	return checkpoint_meta_number(file, "arithmetic", INT_MAX, &out->revision);
}

static bool is_this_arithmetic(const struct arithmetic *arithmetic)
{
	bool same_bytes = arithmetic->isa[0] == '\0' || plan_isa_same_bytes(arithmetic->isa);
	return arithmetic->revision == QLSTM_ARITHMETIC && same_bytes;
}

static const char *isa_or_unknown(const struct arithmetic *arithmetic)
{
	return arithmetic->isa[0] != '\0' ? arithmetic->isa : "an unknown instruction set";
}

static int checkpoint_check_arithmetic(const struct trainer *t, const struct arithmetic *arithmetic,
                                       struct qlstm_error *error)
{
	if (t->any_arithmetic || is_this_arithmetic(arithmetic))
		return 0;
	return error_set(
	    error, ERR_CONFLICT, "",
	    "its epochs were computed with arithmetic %llu on %s, this is %d on %s: going on would give the "
	    "bytes of neither",
	    arithmetic->revision, isa_or_unknown(arithmetic), QLSTM_ARITHMETIC, plan_isa());
}

/* Adds what computed the epochs done to the list. A list that is full keeps its oldest entries. */
static void checkpoint_note_arithmetic(struct trainer *t, const struct arithmetic *arithmetic, int epochs)
{
	char *list = t->arithmetic_before;
	snprintf(list, ARITHMETIC_BEFORE_SIZE, "%s", arithmetic->before);
	size_t used = strlen(list);
	if (is_this_arithmetic(arithmetic) || epochs == 0 || used + 100 > ARITHMETIC_BEFORE_SIZE)
		return;
	snprintf(list + used, ARITHMETIC_BEFORE_SIZE - used, "%sup to epoch %d: %llu on %.40s", used > 0 ? "; " : "",
	         epochs, arithmetic->revision, isa_or_unknown(arithmetic));
}

static bool is_checkpoint(const struct safetensors_file *file, bool sealed)
{
	const char *kind = safetensors_meta_find(file, "kind");
	return kind != NULL && strcmp(kind, sealed ? CHECKPOINT_KIND : UNSEALED_KIND) == 0 &&
	       safetensors_meta_find(file, "fingerprint") != NULL;
}

/* Checks that everything is there before anything is changed. */
static int checkpoint_check(const struct trainer *t, const char *fingerprint, const struct safetensors_file *file,
                            int *epochs, uint64_t *steps, struct qlstm_error *error)
{
	const char *owner = safetensors_meta_find(file, "fingerprint");
	if (strcmp(owner, fingerprint) != 0)
		return error_set(error, ERR_CONFLICT, "",
		                 "the checkpoint belongs to another experiment, or its data were others");
	unsigned long long epoch, step;
	if (checkpoint_meta_number(file, "epoch", (unsigned long long)t->config.epochs, &epoch) != 0 ||
	    checkpoint_meta_number(file, "optimizer_steps", UINT64_MAX, &step) != 0)
		return error_set(error, ERR_CORRUPT, "", "the checkpoint's counters are not usable");
	const struct params *params = model_params(t->model);
	char name[PARAM_NAME_SIZE + 16];
	for (int k = 0; k < params->count; k++) {
		snprintf(name, sizeof name, "model.%s", params->items[k].name);
		if (checkpoint_block(file, name, params->items[k].size) == NULL)
			return error_set(error, ERR_CORRUPT, "", "the checkpoint lacks tensor '%s' in its shape", name);
	}
	for (int slot = 0; slot < optimizer_slots(t->optimizer); slot++) {
		snprintf(name, sizeof name, "optimizer.%d", slot);
		if (checkpoint_block(file, name, params->size) == NULL)
			return error_set(error, ERR_CORRUPT, "", "the checkpoint lacks tensor '%s' in its shape", name);
	}
	for (int k = 0; k < t->config.snapshots.count && t->config.snapshots.epochs[k] < (int)epoch; k++) {
		snapshot_name(t, k, name, sizeof name);
		if (checkpoint_block(file, name, params_elements(params)) == NULL)
			return error_set(error, ERR_CORRUPT, "", "the checkpoint lacks tensor '%s' in its shape", name);
	}
	if (safetensors_find(file, "best") != NULL && checkpoint_block(file, "best", params_elements(params)) == NULL)
		return error_set(error, ERR_CORRUPT, "", "the checkpoint lacks tensor 'best' in its shape");
	if (epoch > 0 && checkpoint_block(file, "history", (size_t)epoch * HISTORY_COLUMNS) == NULL)
		return error_set(error, ERR_CORRUPT, "", "the checkpoint lacks its history");
	*epochs = (int)epoch;
	*steps = step;
	return 0;
}

/* The parameters of the newest and of the best epoch, once the history is there; `best` NULL: the file has none. */
static void apply_kept(struct trainer *t, const double *best)
{
	t->best_loss = INFINITY;
	t->best_epoch = 0;
	schedule_start(&t->schedule, &t->config.schedule);
	for (int k = 0; k < t->epochs_done; k++)
		trainer_note(t, &t->history[k]);
	memset(t->kept_epochs, 0, sizeof t->kept_epochs);
	if (t->epochs_done == 0)
		return;
	trainer_keep(t);
	if (t->best_epoch == t->epochs_done || t->best_epoch == 0 || best == NULL)
		return;
	t->kept_epochs[TRAINER_BEST] = t->best_epoch;
	memcpy(t->kept[TRAINER_BEST], best, params_elements(model_params(t->model)) * sizeof(double));
}

static void checkpoint_apply(struct trainer *t, const struct safetensors_file *file, int epochs, uint64_t steps)
{
	struct params *params = model_params(t->model);
	char name[PARAM_NAME_SIZE + 16];
	for (int k = 0; k < params->count; k++) {
		const struct param *param = &params->items[k];
		snprintf(name, sizeof name, "model.%s", param->name);
		memcpy(params->values + param->offset, checkpoint_block(file, name, param->size),
		       param->size * sizeof(double));
	}
	for (int slot = 0; slot < optimizer_slots(t->optimizer); slot++) {
		snprintf(name, sizeof name, "optimizer.%d", slot);
		memcpy(optimizer_slot(t->optimizer, slot), checkpoint_block(file, name, params->size),
		       params->size * sizeof(double));
	}
	*optimizer_steps(t->optimizer) = steps;
	const double *rows = checkpoint_block(file, "history", (size_t)epochs * HISTORY_COLUMNS);
	for (int k = 0; k < epochs; k++) {
		const double *row = rows + (size_t)k * HISTORY_COLUMNS;
		t->history[k] =
		    (struct epoch_metrics){.epoch = k + 1, .count = t->n_metrics, .names = t->names, .seconds = row[4]};
		t->history[k].values[TRAIN_LOSS] = row[1];
		t->history[k].values[TEST_LOSS] = row[2];
		t->history[k].values[GRADIENT_NORM] = row[3];
	}
	for (int m = METRICS_OF_ALL; m < t->n_metrics; m++) {
		snprintf(name, sizeof name, "history.%s", t->names[m]);
		const double *column = checkpoint_block(file, name, (size_t)epochs);
		for (int k = 0; k < epochs; k++)
			t->history[k].values[m] = column != NULL ? column[k] : (double)NAN;
	}
	t->epochs_done = epochs;
	for (int k = 0; k < earlier_snapshots(t); k++) {
		snapshot_name(t, k, name, sizeof name);
		memcpy(t->snapshots[k], checkpoint_block(file, name, params_elements(params)),
		       params_elements(params) * sizeof(double));
	}
	apply_kept(t, checkpoint_block(file, "best", params_elements(params)));
}

int trainer_load(struct trainer *t, const char *fingerprint, const unsigned char *bytes, size_t length,
                 struct qlstm_error *error)
{
	struct safetensors_file file;
	bool sealed;
	int rc = safetensors_seal_check(bytes, length, &sealed, error);
	if (rc == 0)
		rc = safetensors_decode(bytes, length, &file, error);
	if (rc != 0)
		return rc;
	int epochs = 0;
	uint64_t steps = 0;
	struct arithmetic arithmetic = {.isa = "", .before = ""};
	if (!is_checkpoint(&file, sealed) || checkpoint_arithmetic(&file, &arithmetic) != 0)
		rc = error_set(error, ERR_CORRUPT, "", "the file is not a checkpoint");
	if (rc == 0)
		rc = checkpoint_check(t, fingerprint, &file, &epochs, &steps, error);
	if (rc == 0)
		rc = checkpoint_check_arithmetic(t, &arithmetic, error);
	if (rc == 0) {
		checkpoint_apply(t, &file, epochs, steps);
		checkpoint_note_arithmetic(t, &arithmetic, epochs);
	}
	safetensors_free(&file);
	return rc;
}

void trainer_allow_arithmetic(struct trainer *t)
{
	t->any_arithmetic = true;
}

const char *trainer_arithmetic_before(const struct trainer *t)
{
	return t->arithmetic_before;
}
