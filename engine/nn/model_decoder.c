/* Models with a decoder: what goes in, and how they say one token after the other. */
#include <string.h>

#include "engine/nn/model_decoder.h"

static const struct layer_type *type_of(const struct layer_config *layer)
{
	const struct layer_type *type;
	return layer_type_of(layer, &type, NULL) == 0 ? type : NULL;
}

int model_find_decoder(const struct model_config *config)
{
	for (int k = 0; k < config->n_layers; k++) {
		const struct layer_type *type = type_of(&config->layers[k]);
		if (type != NULL && type->traits.decodes)
			return k;
	}
	return -1;
}

static bool is_recurrent(const struct model_config *config, int k)
{
	const struct layer_type *type = type_of(&config->layers[k]);
	return type != NULL && type->traits.recurrent;
}

/* The index-th recurrent layer of first .. end - 1, -1: there is none. */
static int recurrent_at(const struct model_config *config, int first, int end, int index)
{
	for (int k = first; k < end; k++)
		if (is_recurrent(config, k) && index-- == 0)
			return k;
	return -1;
}

/* Whether the state that one layer ends with is one that the other can begin with. */
static bool same_state(const struct layer_config *reads, const struct layer_config *says)
{
	const struct layer_type *type = type_of(reads), *other = type_of(says);
	if (type == NULL || type != other || type->ops->last_state == NULL || layer_wires(reads) != layer_wires(says))
		return false;
	if (type->ops == &hqrnn_ops)
		return reads->hqrnn.readouts == says->hqrnn.readouts;
	if (strcmp(reads->type, "qlstm") == 0 && strcmp(reads->qlstm.variant, says->qlstm.variant) != 0)
		return false;
	return !reads->recurrent.bidirectional && reads->recurrent.hidden_size == says->recurrent.hidden_size;
}

static bool looks_before(const struct layer_config *layer)
{
	return strcmp(layer->type, "attention") == 0 && layer->attention.query == QUERY_BEFORE;
}

/* What a recurrent layer gives in a step, of one whose output is what its next step begins with; 0: no such layer. */
static int said_width(const struct layer_config *layer)
{
	const struct layer_type *type = type_of(layer);
	if (type == NULL || (type->ops != &recurrent_ops && type->ops != &hqrnn_ops))
		return 0;
	const struct hybrid_shape shape = hqrnn_shape(&layer->hqrnn);
	if (type->ops == &hqrnn_ops)
		return (int)hybrid_readouts(&shape);
	bool other = strcmp(layer->type, "qlstm") == 0 && strcmp(layer->qlstm.variant, "chen2020") == 0;
	return other ? 0 : layer->recurrent.hidden_size;
}

/* Of attention at layer k that looks before a step, or gives on what such a one found. */
static int check_query(const struct model_config *config, int k, struct qlstm_error *error)
{
	int decoder = model_find_decoder(config);
	if (decoder < 0 || k < decoder)
		return error_set(error, ERR_INVALID, "/query",
		                 "query is %s; before and again are for attention behind a decoder",
		                 looks_before(&config->layers[k]) ? "before" : "again");
	if (looks_before(&config->layers[k])) {
		if (k + 1 == config->n_layers || said_width(&config->layers[k + 1]) == 0)
			return error_set(error, ERR_INVALID, "/query",
			                 "query is before; a recurrent layer whose output is its state (not variant "
			                 "chen2020) must stand behind");
		return 0;
	}
	for (int i = decoder; i < k; i++)
		if (looks_before(&config->layers[i]))
			return 0;
	return error_set(error, ERR_INVALID, "/query",
	                 "query is again; no attention with query before stands between the decoder and it");
}

/* Of a decoder at `decoder` with HANDOVER_STATE. */
static int check_handover(const struct model_config *config, int decoder, struct qlstm_error *error)
{
	for (int i = 0;; i++) {
		int reads = recurrent_at(config, 0, decoder, i);
		int says = recurrent_at(config, decoder + 1, config->n_layers, i);
		if (i > 0 && reads < 0 && says < 0)
			return 0;
		if (reads < 0 || says < 0)
			return error_set(error, ERR_INVALID, "/handover",
			                 "handover is state; it needs as many recurrent layers behind the decoder as "
			                 "before it, at least one");
		if (!same_state(&config->layers[reads], &config->layers[says]))
			return error_set(error, ERR_INVALID, "/handover",
			                 "handover is state; layers %d and %d must be of one type and size and read "
			                 "one way (mean takes any)",
			                 reads, says);
	}
}

int model_check_decoder(const struct model_config *config, int k, struct qlstm_error *error)
{
	const struct layer_config *layer = &config->layers[k];
	const struct layer_type *type = type_of(layer);
	int decoder = model_find_decoder(config);
	if (type != NULL && strcmp(layer->type, "attention") == 0 && layer->attention.query != QUERY_AFTER)
		return check_query(config, k, error);
	if (decoder < 0 || type == NULL || k < decoder)
		return 0;
	if (k == decoder && config->n_inputs != 2)
		return error_set(error, ERR_INVALID, "/type",
		                 "a layer of type '%s' reads tokens of its own; this needs data of translations",
		                 layer->type);
	if (k == decoder && (k == 0 || config->output != MODEL_OUTPUT_SEQUENCE))
		return error_set(error, ERR_INVALID, "/type",
		                 "a layer of type '%s' stands behind the layers that read the source", layer->type);
	if (k > decoder && type->traits.decodes)
		return error_set(error, ERR_INVALID, "/type", "layer %d is a decoder already; a model has one",
		                 decoder);
	if (k == decoder && layer->decoder.handover == HANDOVER_STATE)
		return check_handover(config, decoder, error);
	bool directed = type->ops == &recurrent_ops;
	if (k > decoder && directed && (layer->recurrent.inversward || layer->recurrent.bidirectional))
		return error_set(error, ERR_INVALID, "",
		                 "behind a decoder a layer that reads from the end sees the token that is to be said");
	return 0;
}

void model_pair_attention(struct model *model)
{
	struct layer *before = NULL;
	for (int k = 0; k < model->config.n_layers; k++) {
		struct layer *layer = &model->layers[k];
		bool attention = strcmp(layer->config.type, "attention") == 0;
		if (attention && layer->config.attention.query == QUERY_BEFORE) {
			before = layer;
			model->layers[k + 1].asks = layer;
		}
		if (attention && layer->config.attention.query == QUERY_AGAIN)
			layer->gives_on = before;
	}
}

struct layer_config model_layer_config(const struct model_config *config, const struct shape *shapes, int k)
{
	struct layer_config layer = config->layers[k];
	int decoder = model_find_decoder(config);
	if (strcmp(layer.type, "attention") == 0)
		layer.attention.source = decoder >= 0 && k > decoder ? shapes[decoder].width : 0;
	if (looks_before(&layer) && k + 1 < config->n_layers)
		layer.attention.asker = said_width(&config->layers[k + 1]);
	return layer;
}

const double *model_split_tokens(struct model *model, const double *x, int steps, int batch)
{
	size_t n = (size_t)batch, count = (size_t)steps * n;
	double *given = model->tokens + count;
	if (model->source.decoder < 0)
		return x;
	for (size_t t = 0; t < (size_t)steps; t++) {
		memcpy(model->tokens + t * n, x + 2 * t * n, n * sizeof *x);
		memcpy(given + t * n, x + (2 * t + 1) * n, n * sizeof *x);
	}
	model->source.steps = steps;
	model->source.lengths = model->lengths;
	model->source.given = given;
	return model->tokens;
}

void model_clear_source(struct model *model)
{
	const struct source *source = &model->source;
	if (source->decoder < 0)
		return;
	size_t width = (size_t)model->layers[source->decoder].in.width;
	memset(source->gradient, 0, (size_t)source->steps * width * (size_t)model->batch * sizeof(double));
}

/* ---- States that are handed over ---- */

void model_pair_handovers(struct model *model)
{
	const struct model_config *config = &model->config;
	int decoder = model->source.decoder;
	if (decoder < 0 || config->layers[decoder].decoder.handover != HANDOVER_STATE)
		return;
	model_carry(model, NULL); /* where each one's rows are */
	for (int says; (says = recurrent_at(config, decoder + 1, config->n_layers, model->n_handovers)) >= 0;) {
		struct handover *handover = &model->handovers[model->n_handovers];
		model->layers[recurrent_at(config, 0, decoder, model->n_handovers++)].hands_over = handover;
		model->layers[says].takes_over = handover;
	}
}

/* Rows of the states behind the decoder. */
static size_t rows_behind(const struct model *model)
{
	size_t rows = 0;
	for (int k = model->source.decoder + 1; k < model->config.n_layers; k++)
		if (model->layers[k].ops->carries != NULL)
			rows += model->layers[k].ops->carries(&model->layers[k]);
	return rows;
}

void model_lay_out_handovers(struct model *model, struct arena *arena, int batch)
{
	if (model->n_handovers == 0)
		return;
	size_t numbers = rows_behind(model) * (size_t)batch;
	model->begun.states = arena_take_numbers(arena, numbers);
	model->handed_back = arena_take_numbers(arena, numbers);
}

void model_hand_over(struct model *model, int batch)
{
	if (model->n_handovers == 0)
		return;
	size_t n = (size_t)batch;
	model->begun.streams = n;
	for (int k = 0; k < model->config.n_layers; k++) {
		const struct layer *says = &model->layers[k];
		if (says->takes_over == NULL)
			continue;
		struct handover *handover = &model->handovers[says->takes_over - model->handovers];
		handover->state = model->begun.states + says->carried * n;
		handover->gradient = model->handed_back + says->carried * n;
	}
	for (int k = 0; k < model->source.decoder; k++) {
		const struct layer *reads = &model->layers[k];
		if (reads->hands_over != NULL)
			reads->ops->last_state(reads, reads->hands_over->state);
	}
	model->carry = &model->begun;
}

void model_begin(struct model *model, const struct carry *carry)
{
	size_t rows = rows_behind(model), n = (size_t)model->batch;
	if (model->n_handovers > 0)
		model_hand_over(model, model->batch);
	for (size_t r = 0; r < rows; r++) {
		double *to = carry->states + r * carry->streams + carry->first;
		if (model->n_handovers > 0)
			memcpy(to, model->begun.states + r * n, n * sizeof *to);
		else
			memset(to, 0, n * sizeof *to);
	}
}

/* ---- Token by token ---- */

void model_encode(struct model *model, const double *x, int steps, int batch)
{
	const double *in = x;
	model->batch = batch;
	model->source.steps = steps;
	model->source.lengths = model->lengths;
	model->said_lengths = NULL;
	model->watch.abandoned = false;
	for (int k = 0; k < model->source.decoder; k++) {
		struct layer *layer = &model->layers[k];
		layer_forward(layer, NULL, in, steps, batch, model->outputs[k]);
		in = model->outputs[k];
	}
}

void model_decode(struct model *model, const double *given, int batch, double *y)
{
	const double *in = model->outputs[model->source.decoder - 1];
	model->source.given = given;
	for (int k = model->source.decoder; k < model->config.n_layers; k++) {
		struct layer *layer = &model->layers[k];
		layer_forward(layer, NULL, in, 1, batch, model->outputs[k]);
		in = model->outputs[k];
	}
	memcpy(y, in, (size_t)model->config.n_outputs * (size_t)batch * sizeof *y);
}

bool model_decodes(const struct model *model)
{
	return model->source.decoder >= 0;
}
