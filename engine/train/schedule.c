/* Schedules of the learning rate. */
#include "engine/train/schedule.h"

#include <math.h>

#include "engine/elementary/elementary.h"

#define PI        3.14159265358979323846
#define THRESHOLD 1e-4

void schedule_start(struct schedule *schedule, const struct schedule_config *config)
{
	*schedule = (struct schedule){.config = *config, .best = INFINITY, .reduced = 1};
}

void schedule_note(struct schedule *schedule, double loss)
{
	const struct schedule_config *c = &schedule->config;
	schedule->noted++;
	if (loss < schedule->best * (1 - THRESHOLD)) {
		schedule->best = loss;
		schedule->bad_epochs = 0;
	} else if (++schedule->bad_epochs > c->patience) {
		schedule->reduced = fmax(schedule->reduced * c->factor, c->least);
		schedule->bad_epochs = 0;
	}
}

static double factor_of_type(const struct schedule *schedule, int epoch, int epochs)
{
	const struct schedule_config *c = &schedule->config;
	switch (c->type) {
	case SCHEDULE_STEP:
		return elementary_power(c->factor, (unsigned long long)((epoch - 1) / c->step_epochs));
	case SCHEDULE_COSINE:
		return c->least + (1 - c->least) * (1 + elementary_cos(PI * (epoch - 1) / epochs)) / 2;
	case SCHEDULE_PLATEAU:
		return schedule->reduced;
	case SCHEDULE_CONSTANT:
		break;
	}
	return 1;
}

double schedule_factor(const struct schedule *schedule, int epoch, int epochs)
{
	double factor = factor_of_type(schedule, epoch, epochs);
	int warmup = schedule->config.warmup_epochs;
	return epoch < warmup ? factor * epoch / warmup : factor;
}
