/* Groups of parameters. */
#include "engine/train/groups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool means(const char *word, const struct param *param)
{
	if (strcmp(word, "quantum") == 0)
		return param->kind == PARAM_QUANTUM;
	if (strcmp(word, "classical") == 0)
		return param->kind == PARAM_CLASSICAL;
	return strncmp(param->name, word, strlen(word)) == 0;
}

static bool is_frozen(const struct groups_config *config, const struct param *param)
{
	for (int i = 0; i < config->n_frozen; i++)
		if (means(config->frozen[i], param))
			return true;
	return false;
}

static int check_words(const struct params *params, const struct groups_config *config, struct qlstm_error *error)
{
	for (int i = 0; i < config->n_frozen; i++) {
		int found = 0;
		for (int k = 0; k < params->count; k++)
			found += params->items[k].kind != PARAM_STATE && means(config->frozen[i], &params->items[k]);
		if (found > 0)
			continue;
		char pointer[32];
		snprintf(pointer, sizeof pointer, "/freeze/%d", i);
		return error_set(error, ERR_INVALID, pointer,
		                 "freeze[%d] is \"%.80s\", which no tensor of the model is meant by; there is quantum, "
		                 "classical, and how a tensor's name begins, such as \"%.80s\"",
		                 i, config->frozen[i], params->count > 0 ? params->items[0].name : "layers.0.");
	}
	return 0;
}

int groups_make(const struct params *params, const struct groups_config *config, struct optimizer_group **out, int *n,
                struct qlstm_error *error)
{
	*n = 0;
	*out = NULL;
	int rc = check_words(params, config, error);
	if (rc != 0)
		return rc;
	struct optimizer_group *groups = calloc((size_t)params->count + 1, sizeof *groups);
	if (groups == NULL)
		return error_set(error, ERR_OUT_OF_MEMORY, "", "out of memory");
	bool any = false;
	for (int k = 0; k < params->count; k++) {
		const struct param *param = &params->items[k];
		bool quantum = param->kind == PARAM_QUANTUM && config->quantum_learning_rate > 0;
		double rate = quantum ? config->quantum_learning_rate : config->learning_rate;
		if (param->kind == PARAM_STATE)
			continue;
		any = true;
		if (is_frozen(config, param))
			continue;
		struct optimizer_group *last = *n > 0 ? &groups[*n - 1] : NULL;
		if (last != NULL && last->first + last->count == param->offset && last->learning_rate == rate)
			last->count += param->size;
		else
			groups[(*n)++] = (struct optimizer_group){param->offset, param->size, rate};
	}
	if (any && *n == 0)
		rc = error_set(error, ERR_INVALID, "/freeze", "all tensors are frozen: nothing is left to train");
	if (rc == 0)
		*out = groups;
	else
		free(groups);
	return rc;
}
