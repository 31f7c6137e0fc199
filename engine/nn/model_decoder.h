/* What model.c asks about a decoder among the layers; private to engine/nn. Without one the functions do nothing. */
#ifndef QLSTM_NN_MODEL_DECODER_H
#define QLSTM_NN_MODEL_DECODER_H

#include "engine/nn/model_state.h"

/* The index of the decoder, -1 where there is none. */
int model_find_decoder(const struct model_config *config);
/* Whether layer k may stand where it stands; ERR_INVALID at "/type" or "" of the layer. */
int model_check_decoder(const struct model_config *config, int k, struct qlstm_error *error);
/* Layer k's configuration, with what it is told of the layers before; shapes[0 .. k] are known. */
struct layer_config model_layer_config(const struct model_config *config, const struct shape *shapes, int k);

/* What layer 0 reads of x: with a decoder the source's tokens, the target's go to the decoder. */
const double *model_split_tokens(struct model *model, const double *x, int steps, int batch);
/* Before a backward pass: nothing was handed back to the source yet. */
void model_clear_source(struct model *model);

/* Once the layers are open: which recurrent layers hand their states over to which, and which attention they ask. */
void model_pair_handovers(struct model *model);
void model_pair_attention(struct model *model);
void model_lay_out_handovers(struct model *model, struct arena *arena, int batch);
/* When the source was read by all layers before the decoder: those behind it begin with its states. */
void model_hand_over(struct model *model, int batch);

#endif
