/* What a training leaves for another one to go on from: parameters by their names, and behind them
 *
 *   optimizer.SLOT    [n_params] the moments, in the order of the parameters
 *   __metadata__      optimizer: its type; optimizer_steps */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/export/params_tensors.h"
#include "engine/train/trainer_state.h"

enum { SLOT_NAME_SIZE = sizeof PARAMS_OPTIMIZER_PREFIX + 12 };

static void slot_name(int slot, char out[SLOT_NAME_SIZE])
{
	snprintf(out, SLOT_NAME_SIZE, "%s%d", PARAMS_OPTIMIZER_PREFIX, slot);
}

/* Parameters as after the last whole epoch. */
static void state_tensors(const struct trainer *t, int slots, char (*names)[SLOT_NAME_SIZE],
                          struct safetensors_tensor *tensors)
{
	const struct params *params = model_params(t->model);
	const double *values = t->kept_epochs[TRAINER_LAST] > 0 ? t->kept[TRAINER_LAST] : params->values;
	for (int k = 0; k < params->count; k++) {
		const struct param *param = &params->items[k];
		tensors[k] = (struct safetensors_tensor){
		    .name = param->name, .rank = param->rank, .data = values + param->offset};
		memcpy(tensors[k].dims, param->dims, (size_t)param->rank * sizeof *param->dims);
	}
	for (int slot = 0; slot < slots; slot++) {
		slot_name(slot, names[slot]);
		tensors[params->count + slot] = (struct safetensors_tensor){
		    .name = names[slot], .rank = 1, .dims = {params->size}, .data = optimizer_slot(t->optimizer, slot)};
	}
}

int trainer_save_state(const struct trainer *t, unsigned char **bytes, size_t *length, struct qlstm_error *error)
{
	int slots = t->midway ? 0 : optimizer_slots(t->optimizer), count = model_params(t->model)->count + slots;
	char steps[24], (*names)[SLOT_NAME_SIZE] = calloc((size_t)slots + 1, sizeof *names);
	struct safetensors_tensor *tensors = calloc((size_t)count + 1, sizeof *tensors);
	int rc = ERR_OUT_OF_MEMORY;
	if (names != NULL && tensors != NULL) {
		snprintf(steps, sizeof steps, "%" PRIu64, *optimizer_steps(t->optimizer));
		const struct safetensors_meta meta[] = {{TRAINER_STATE_OPTIMIZER, t->config.optimizer.type},
		                                        {"optimizer_steps", steps}};
		state_tensors(t, slots, names, tensors);
		rc = safetensors_encode(tensors, count, meta, t->midway ? 0 : 2, bytes, length, error);
	} else {
		error_set(error, rc, "", "out of memory");
	}
	free(tensors);
	free(names);
	return rc;
}

/* Moments of this optimiser, and no more of them than it has. */
static int check_state(const struct trainer *t, const struct safetensors_file *file, struct qlstm_error *error)
{
	const char *type = safetensors_meta_find(file, TRAINER_STATE_OPTIMIZER);
	const char *steps = safetensors_meta_find(file, "optimizer_steps");
	int slots = optimizer_slots(t->optimizer);
	char name[SLOT_NAME_SIZE];
	if (type == NULL || steps == NULL)
		return error_set(error, ERR_MISSING, "", "there is nothing of an optimiser in it");
	if (strcmp(type, t->config.optimizer.type) != 0)
		return error_set(error, ERR_CONFLICT, "", "its optimiser was %.20s, this one is %s", type,
		                 t->config.optimizer.type);
	for (int slot = 0; slot <= slots; slot++) {
		slot_name(slot, name);
		const struct safetensors_tensor *tensor = safetensors_find(file, name);
		bool fits = tensor != NULL && tensor->rank == 1 && tensor->dims[0] == model_params(t->model)->size;
		if (slot < slots ? !fits : tensor != NULL)
			return error_set(error, ERR_CONFLICT, "",
			                 "what its optimiser remembers has another size than this one's");
	}
	return 0;
}

int trainer_load_state(struct trainer *t, const unsigned char *bytes, size_t length, struct qlstm_error *error)
{
	struct safetensors_file file;
	char name[SLOT_NAME_SIZE];
	int rc = safetensors_decode(bytes, length, &file, error);
	if (rc != 0)
		return rc;
	rc = check_state(t, &file, error);
	if (rc == 0)
		rc = params_from_safetensors(model_params(t->model), &file, error);
	for (int slot = 0; rc == 0 && slot < optimizer_slots(t->optimizer); slot++) {
		slot_name(slot, name);
		memcpy(optimizer_slot(t->optimizer, slot), safetensors_find(&file, name)->data,
		       model_params(t->model)->size * sizeof(double));
	}
	if (rc == 0)
		*optimizer_steps(t->optimizer) = strtoull(safetensors_meta_find(&file, "optimizer_steps"), NULL, 10);
	safetensors_free(&file);
	return rc;
}
