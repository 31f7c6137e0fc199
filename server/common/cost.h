/* What an experiment will take, by the planner's estimate. The service refuses by it and makes its first ETA from it;
 * `qlstm-worker plan` prints it. */
#ifndef QLSTM_COMMON_COST_H
#define QLSTM_COMMON_COST_H

#include "schema/spec.h"

/* Windows of the two parts, and bytes of the data as they were read; 0: not known. */
struct cost_windows {
	size_t train, test, table;
	/* Of texts, as they are counted (cost_texts.h). */
	size_t validation;              /* of `test`, those by which epochs are chosen */
	size_t tokens;                  /* that are read, of all */
	size_t train_steps, test_steps; /* of all windows, each as many as the longest of its batch */
};

/* Hypotheses that a model which translates has at once (server/worker/translate.h). */
enum { COST_COLUMNS = 64 };

struct cost_bytes {
	size_t model;   /* parameters, activations and plans, and copies of parameters */
	size_t data;    /* the table and the windows */
	size_t results; /* what is there for a while, where that is most: of predictions, or of a copy more */
	size_t process; /* what every run takes */
};

/* On one core of this machine, by its speed (engine/circuit/plan_speed.h). A fold is counted as the training itself. Of
 * a translation an epoch has what is said of the validation part, and the training what is said at its end. */
struct cost_seconds {
	double batch, epoch, training;
};

/* `model` is made of spec->model, for both: it keeps what the planner says. With `threads` that share the work. Errors
 * point into the spec. */
struct cost_bytes cost_bytes(const struct spec *spec, struct model *model, struct cost_windows windows, int threads);
size_t cost_bytes_total(const struct cost_bytes *bytes);
/* `speed` is that of the machine. ERR_TOO_LARGE when the plan that is asked for does not take a circuit. */
int cost_seconds(const struct spec *spec, struct model *model, struct cost_windows windows, double speed,
                 struct cost_seconds *out, struct qlstm_error *error);

/* ERR_TOO_LARGE past `limit` bytes, at the field to make smaller. */
int cost_check_bytes(const struct spec *spec, const struct cost_bytes *bytes, size_t limit, struct qlstm_error *error);
/* ERR_INVALID for a training that could not end within limits.max_seconds by far: refused before, not after its time is
 * spent. */
int cost_check_seconds(const struct spec *spec, const struct cost_seconds *seconds, int threads,
                       struct qlstm_error *error);

#endif
