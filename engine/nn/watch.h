/* A callback after every time step of a recurrent layer, which can end a long pass; shared by the layers of a model.
 * The worker, for example, looks there whether it was told to stop. */
#ifndef QLSTM_NN_WATCH_H
#define QLSTM_NN_WATCH_H

#include <stdbool.h>
#include <stddef.h>

/* Non-zero: the pass is to be abandoned. */
typedef int (*watch_fn)(void *context);

struct watch {
	watch_fn fn; /* NULL: nobody */
	void *context;
	bool abandoned; /* fn said stop; the rest of the pass is skipped */
};

/* True when the pass is to be abandoned. */
static inline bool watch_tick(struct watch *watch)
{
	if (watch->fn != NULL && !watch->abandoned)
		watch->abandoned = watch->fn(watch->context) != 0;
	return watch->abandoned;
}

#endif
