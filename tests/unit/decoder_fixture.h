/* What the tests of models with a decoder share: models of an encoder, a decoder and attention, and what goes in. */
#ifndef QLSTM_TESTS_DECODER_FIXTURE_H
#define QLSTM_TESTS_DECODER_FIXTURE_H

#include "tests/unit/nn_fixture.h"

enum { SOURCES = 5, TARGETS = 6, DIMENSION = 2, STEPS = 4, BATCH = 3 };

static inline struct layer_config token_layer(const char *type, int classes)
{
	struct layer_config layer = {.embedding = {classes, DIMENSION}};
	snprintf(layer.type, sizeof layer.type, "%s", type);
	return layer;
}

static inline struct layer_config looking_layer(enum attention_score score)
{
	return (struct layer_config){.type = "attention", .attention = {.score = score, .units = 3}};
}

static inline struct layer_config head_layer(int units)
{
	return (struct layer_config){.type = "dense", .dense = {.units = units, .bias = true}};
}

static inline struct layer_config hybrid_layer(void)
{
	return (struct layer_config){.type = "hqrnn", .hqrnn = {.n_qubits = 2, .depth = 1, .hidden_size = 2}};
}

/* The two recurrent layers read the source, and say the target. */
static inline struct model_config translator(struct layer_config reads, struct layer_config says,
                                             enum attention_score score)
{
	struct model_config config = {.n_inputs = 2,
	                              .n_outputs = TARGETS,
	                              .output = MODEL_OUTPUT_SEQUENCE,
	                              .ragged = true,
	                              .n_layers = 6,
	                              .plan = "auto"};
	config.layers[0] = token_layer("embedding", SOURCES);
	config.layers[1] = reads;
	config.layers[2] = token_layer("decoder", TARGETS);
	config.layers[3] = says;
	config.layers[4] = looking_layer(score);
	config.layers[5] = head_layer(TARGETS);
	return config;
}

/* The states are handed over instead of the mean. */
static inline struct model_config handing_over(struct model_config config)
{
	for (int k = 0; k < config.n_layers; k++)
		if (strcmp(config.layers[k].type, "decoder") == 0)
			config.layers[k].decoder.handover = HANDOVER_STATE;
	return config;
}

/* The same, with attention that looks before each step, whose context the head reads too. */
static inline struct model_config asking(struct model_config config)
{
	struct layer_config says = config.layers[3], looks = config.layers[4];
	looks.attention.query = QUERY_BEFORE;
	config.layers[6] = config.layers[5];
	config.layers[3] = looks;
	config.layers[4] = says;
	looks.attention.query = QUERY_AGAIN;
	config.layers[5] = looks;
	config.n_layers = 7;
	return config;
}

static inline struct model *open_translator(const struct model_config *config, int steps, int batch)
{
	struct model *model = open_model(config, steps, batch);
	params_initialise(model_params(model), 5);
	return model;
}

/* x [steps][2][batch] */
static inline void fill_tokens(double *x, int steps, int batch)
{
	for (int t = 0; t < steps; t++)
		for (int b = 0; b < batch; b++) {
			x[(2 * t) * batch + b] = (3 * t + 2 * b + 1) % SOURCES;
			x[(2 * t + 1) * batch + b] = t == 0 ? 1 : (5 * t + b) % TARGETS;
		}
}

#endif
