/* A model's fields, shared by the passes (model.c) and what they cost (model_cost.c); private to engine/nn. */
#ifndef QLSTM_NN_MODEL_STATE_H
#define QLSTM_NN_MODEL_STATE_H

#include "engine/nn/layer.h"
#include "engine/nn/model.h"

struct model {
	struct model_config config;
	struct params params;
	struct layer layers[MODEL_MAX_LAYERS];
	struct watch watch;
	const struct word_guide *guide;
	const int *lengths;
	const struct carry *carry;
	struct source source;
	const int *said_lengths;                     /* of what stands behind a decoder */
	const struct carry *no_carry;                /* NULL: what the layers before a decoder carry */
	struct handover handovers[MODEL_MAX_LAYERS]; /* of the layers before a decoder to those behind it */
	int n_handovers;
	struct carry begun;  /* the states that were handed over, [model_carried][batch] */
	double *handed_back; /* the gradients on them */
	double *tokens;      /* [2][steps][batch]: of a model with a decoder, of the source and of the target */
	int steps, batch;    /* of the last forward */
	int reserved_steps, reserved_batch;
	char *memory;                        /* activations, one allocation */
	double *outputs[MODEL_MAX_LAYERS];   /* of layer k */
	double *gradients[MODEL_MAX_LAYERS]; /* on the input of layer k */
	const double *x;                     /* of the last forward */
};

/* Takes all activations for windows of `steps` and batches up to `batch`. elements: of each layer; NULL: not wanted. */
void model_lay_out(struct model *model, struct arena *arena, int steps, int batch, size_t *elements);
/* Bytes of all activations. */
size_t model_activations(struct model *model, int steps, int batch, size_t *elements);

#endif
