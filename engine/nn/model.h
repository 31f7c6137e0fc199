/* A model: a stack of layers over windows of a series, ended by a dense head that reads the last step.
 *
 * Activations are [time][rows][batch] with the batch innermost. Layers before the last recurrent one see the whole
 * sequence; layers after it see its final step in reading order: time T-1 of a forward layer, time 0 of an inversward
 * one, both for a bidirectional one. The output of a recurrent layer to the next layer is aligned to input time. */
#ifndef QLSTM_NN_MODEL_H
#define QLSTM_NN_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/circuit/ansatz.h"
#include "engine/circuit/plan.h"
#include "engine/circuit/planner.h"
#include "engine/error.h"
#include "engine/train/params.h"

#define MODEL_MAX_LAYERS   16
#define MODEL_MAX_CIRCUITS 4 /* of a layer */

enum angle_init { ANGLE_INIT_NORMAL, ANGLE_INIT_UNIFORM }; /* 0.01 N(0,1); [0, 2 pi) */

/* One layer. Fields that a type does not use are ignored. */
struct layer_config {
	char type[16];    /* a row of the layer table: "qlstm", "lstm", "dense" */
	char variant[16]; /* qlstm: a row of the variant table: "chen2020", "chen2024", "linear", "qdi" */
	char ansatz[24];  /* qlstm: a row of the ansatz table; "" means the variant's own */
	int hidden_size;  /* recurrent layers: width of h */
	int units;        /* dense: outputs; 0 means as many as the model has outputs */
	bool bias;        /* dense */
	int n_qubits, n_qlayers, depth;
	bool hadamard;
	enum pauli rotation, measure;
	enum entangling entangling;
	enum angle_init angle_init;
	bool inversward;    /* reads the sequence from its end to its start */
	bool bidirectional; /* two directions of own weights, outputs concatenated; not together with inversward */
};

struct model_config {
	int n_inputs;  /* features a time step */
	int n_outputs; /* targets */
	int n_layers;
	struct layer_config layers[MODEL_MAX_LAYERS];
	char plan[16]; /* plan kind for the circuits, plan.h: "auto", "batch", "local", "wide", "reference" */
	enum precision precision; /* of the circuits, plan.h; parameters and everything else are float64 */
	int batch;                /* that plan "auto" has in mind; 0: the planner's own */
};

struct model;

/* Whether the layers fit one another, the circuits and the outputs. model_new checks the same. */
int model_check(const struct model_config *config, struct qlstm_error *error);

/* Builds layers and parameters (not yet initialised: all zero); cheap, states are allocated by model_reserve. Errors
 * carry a pointer such as
 * "/layers/0/n_qubits". A dense head of n_outputs units must be the last layer (the schema adds one where absent). */
int model_new(struct model **out, const struct model_config *config, struct qlstm_error *error);
/* Another model of the same configuration that computes with `of`'s parameter values (borrowed: `of` outlives it) and
 * has activations, plans and a gradient block of its own, so that it can run in another thread. */
int model_new_replica(struct model **out, struct model *of, struct qlstm_error *error);
void model_free(struct model *model);

const struct model_config *model_config(const struct model *model);
/* Borrowed; values may be written between calls. */
struct params *model_params(struct model *model);
/* What is asked of the planner for its circuits (engine/circuit/planner.h). */
struct plan_request model_plans(const struct model_config *config);
/* The plan its circuits run on, "none" for a classical model. */
const char *model_plan(struct model *model);
/* One of the circuits that a layer runs. */
struct layer_circuit {
	const char *role;                      /* "gates", "hidden", "output" */
	const struct circuit_program *program; /* borrowed from the model */
	const struct plan *plan;               /* NULL before model_prepare */
	int sets;                              /* of weights, which share a call */
	int plans;                             /* made for it: one for each direction */
	double calls;                          /* in forward and backward of one batch; a set counts as a call */
};
/* The index-th circuit of a layer, on windows of `steps`; false past the last one. */
bool model_circuit(const struct model *model, int layer, int index, int steps, struct layer_circuit *out);

/* What the planner says of that circuit. Compiles it for all plan kinds when it is first asked, which takes up to
 * seconds for deep circuits on many wires. Borrowed; NULL for a circuit that there is not. */
const struct plan_estimate *model_circuit_estimate(struct model *model, int layer, int index);

/* What a model takes, before anything large is allocated. Bytes, with a replica for each of `threads` that share a
 * batch; of which its circuits' plans take model_plan_bytes. */
size_t model_bytes(struct model *model, int steps, int batch, int threads);
size_t model_plan_bytes(struct model *model, int threads);
/* Seconds that forward and gradient of one batch take, on one core of the machine that engine/circuit/planner.c names;
 * the classical part is a rough guess. ERR_TOO_LARGE at the layer whose circuits the plan does not take. */
int model_estimate(struct model *model, int steps, int batch, double *seconds_per_batch, struct qlstm_error *error);

/* Makes the plans of its circuits, which the next two functions ask. model_reserve does it too. */
int model_prepare(struct model *model, struct qlstm_error *error);
/* Batches that are a multiple of this are the cheapest per sample. */
int model_lanes(const struct model *model);
/* Hands a team to the circuits' plans. False when none of them shares a sample's work: then samples are to be shared,
 * among replicas. Results do not depend on it. */
bool model_set_team(struct model *model, struct team *team);

/* Makes room for windows of `steps` and batches up to `batch`; nothing is allocated after it. */
int model_reserve(struct model *model, int steps, int batch, struct qlstm_error *error);

/* y [n_outputs][batch] = model(x [steps][n_inputs][batch]). Within what was reserved. Keeps what backward needs, but
 * for x, which is the caller's and stays as it is until then. */
void model_forward(struct model *model, const double *x, int steps, int batch, double *y);

/* For the last forward, once, since it overwrites what forward kept: adds to the gradient block; dx
 * [steps][n_inputs][batch] is overwritten unless NULL. */
void model_backward(struct model *model, const double *dy, double *dx);

/* Called after every time step of every recurrent layer, forward and backward, so that whoever drives a long pass can
 * show signs of life and stop it. A non-zero return abandons the pass: what it has computed is undefined. NULL: nobody.
 */
typedef int (*model_watch_fn)(void *context);
void model_watch(struct model *model, model_watch_fn watch, void *context);
/* Whether the last forward or backward was abandoned. */
bool model_abandoned(const struct model *model);

/* The last recurrent layer's final hidden output [width][batch] of the last forward; borrowed. For golden tests. */
const double *model_hidden(const struct model *model, int *width);

#endif
