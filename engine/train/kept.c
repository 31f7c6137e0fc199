/* Parameters that a trainer keeps: of the last whole epoch, of the best one, and of those that were asked for. The
 * state of layers is among them. */
#include <stdlib.h>
#include <string.h>

#include "engine/train/trainer_state.h"

static double *room(const struct trainer *t)
{
	return calloc(params_elements(model_params(t->model)) + 1, sizeof(double));
}

bool trainer_open_kept(struct trainer *t)
{
	bool whole = true;
	for (int which = 0; which < TRAINER_KEPT; which++)
		whole &= (t->kept[which] = room(t)) != NULL;
	for (int k = 0; k < t->config.snapshots.count; k++)
		whole &= (t->snapshots[k] = room(t)) != NULL;
	return whole;
}

void trainer_close_kept(struct trainer *t)
{
	for (int which = 0; which < TRAINER_KEPT; which++)
		free(t->kept[which]);
	for (int k = 0; k < TRAINER_MAX_SNAPSHOTS; k++)
		free(t->snapshots[k]);
}

static void copy(const struct trainer *t, double *to)
{
	const struct params *params = model_params(t->model);
	memcpy(to, params->values, params_elements(params) * sizeof(double));
}

void trainer_keep(struct trainer *t)
{
	copy(t, t->kept[TRAINER_LAST]);
	t->kept_epochs[TRAINER_LAST] = t->epochs_done;
	if (t->best_epoch == t->epochs_done) {
		copy(t, t->kept[TRAINER_BEST]);
		t->kept_epochs[TRAINER_BEST] = t->epochs_done;
	}
	for (int k = 0; k < t->config.snapshots.count; k++)
		if (t->config.snapshots.epochs[k] == t->epochs_done)
			copy(t, t->snapshots[k]);
}

static bool take(struct trainer *t, const double *from, bool there)
{
	struct params *params = model_params(t->model);
	if (there)
		memcpy(params->values, from, params_elements(params) * sizeof(double));
	return there;
}

bool trainer_take(struct trainer *t, enum trainer_epoch_kept which)
{
	return take(t, t->kept[which], t->kept_epochs[which] != 0);
}

int trainer_kept_epoch(const struct trainer *t, enum trainer_epoch_kept which)
{
	return t->kept_epochs[which];
}

int trainer_snapshots(const struct trainer *t)
{
	int n = 0;
	while (n < t->config.snapshots.count && t->config.snapshots.epochs[n] <= t->epochs_done)
		n++;
	return n;
}

bool trainer_take_snapshot(struct trainer *t, int k)
{
	return take(t, t->snapshots[k], k < trainer_snapshots(t));
}
