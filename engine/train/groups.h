/* Groups of parameters: a learning rate of their own for the angles of circuits, and tensors that are frozen, which no
 * step changes. */
#ifndef QLSTM_TRAIN_GROUPS_H
#define QLSTM_TRAIN_GROUPS_H

#include "engine/nn/params.h"
#include "engine/train/optimizer.h"

#define GROUPS_MAX_FROZEN 16

struct groups_config {
	double learning_rate;
	double quantum_learning_rate; /* of PARAM_QUANTUM; 0: the same */
	/* "quantum", "classical", or how names of tensors begin: "layers.0." */
	char frozen[GROUPS_MAX_FROZEN][PARAM_NAME_SIZE];
	int n_frozen;
};

/* Ranges of the parameters in their order, without the frozen ones; *out (malloc) is the caller's. ERR_INVALID at
 * "/freeze/I" for a word that means no tensor, at "/freeze" where none is left. */
int groups_make(const struct params *params, const struct groups_config *config, struct optimizer_group **out, int *n,
                struct qlstm_error *error);

#endif
