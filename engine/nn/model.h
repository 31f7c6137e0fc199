/* A model: a stack of layers over windows of a series, ended by a dense head.
 *
 * Activations are [time][rows][batch] with the batch innermost. What flows from layer to layer is a shape (shape.h); it
 * begins as a sequence of n_inputs real numbers a step, in a model without a recurrent layer as a vector: a single
 * step. The last recurrent layer turns it into a vector, its final step in reading order: time T-1 of a forward layer,
 * time 0 of an inversward one, both for a bidirectional one; unless the model's output is a sequence. The output of a
 * recurrent layer to the next layer is aligned to input time. */
#ifndef QLSTM_NN_MODEL_H
#define QLSTM_NN_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/circuit/plan.h"
#include "engine/circuit/planner.h"
#include "engine/error.h"
#include "engine/nn/carry.h"
#include "engine/nn/layer_circuit.h"
#include "engine/nn/layer_config.h"
#include "engine/nn/params.h"
#include "engine/nn/training_context.h"
#include "engine/nn/watch.h"
#include "engine/nn/word_guide.h"

#define MODEL_MAX_LAYERS 16

/* What the stack ends in: one vector a sample, or one for each step. */
enum model_output { MODEL_OUTPUT_VECTOR, MODEL_OUTPUT_SEQUENCE };

struct model_config {
	int n_inputs;  /* features a time step; with a decoder 2 (model_decodes) */
	int n_outputs; /* targets */
	enum model_output output;
	bool ragged; /* samples have lengths of their own (model_lengths) */
	int n_layers;
	struct layer_config layers[MODEL_MAX_LAYERS];
	char plan[16]; /* plan kind for the circuits, plan.h: "auto", "batch", "local", "wide", "reference" */
	enum diff_method diff_method; /* of the circuits; what it is not for (qrnn) takes no notice */
	enum precision precision;     /* of circuits (plan.h) and cells that have one (cell.h); all else is float64 */
	int batch;                    /* that plan "auto" has in mind; 0: the planner's own */
	bool forward_only;            /* never goes backward: no room for what the way forward would leave for it */
	struct plan_estimates *known_plans; /* for estimates (planner.h); borrowed; NULL: none */
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
struct plan_request model_plan_request(const struct model_config *config);
/* The plan its circuits run on, "none" for a classical model. */
const char *model_plan_kind(struct model *model);
/* The index-th circuit of a layer, on windows of `steps`; false past the last one. */
bool model_circuit(const struct model *model, int layer, int index, int steps, struct layer_circuit *out);

/* The circuit whose angles are row `row` of the tensor "layers.I.circuits", or, for the direction of a bidirectional
 * layer that reads from the end, of "layers.I.reverse.circuits". false: there is no such row. */
bool model_trained_circuit(const struct model *model, int layer, bool reverse, int row, struct trained_angles *out);

/* What the planner says of that circuit. Compiles it for all plan kinds when it is first asked, which takes up to
 * seconds for deep circuits on many wires. Borrowed; NULL for a circuit that there is not. */
const struct plan_estimate *model_circuit_estimate(struct model *model, int layer, int index);
/* Nanoseconds of all its calls in forward and gradient of one batch, by that estimate and what calls keep
 * (quantum_block.h). 0 where the plan does not take it. */
double model_circuit_ns(struct model *model, int layer, int index, int steps, int batch);

/* What a model takes, before anything large is allocated. Bytes, with a replica for each of `threads` that share a
 * batch; of which its circuits' plans take model_plan_bytes. */
size_t model_bytes(struct model *model, int steps, int batch, int threads);
size_t model_plan_bytes(struct model *model, int threads);
/* Seconds that forward and gradient of one batch take, on one core of the machine that engine/circuit/planner.c names;
 * the classical part is a rough guess. ERR_TOO_LARGE at the layer whose circuits the plan does not take. How a batch is
 * cut follows from it (train/pass.c). */
int model_estimate(struct model *model, int steps, int batch, double *seconds_per_batch, struct qlstm_error *error);
/* Whether layers without a wire take more than half of it. */
bool model_is_classical(struct model *model, int steps, int batch);

/* Makes the plans of its circuits. model_reserve does it too. */
int model_prepare(struct model *model, struct qlstm_error *error);
/* Batches that are a multiple of this are the cheapest per sample. Asks the plans, or before they are made the planner;
 * likewise below. */
int model_batch_multiple(struct model *model);
/* Whether some circuit's plan shares out the work of a single sample among a team. Where none does, samples are to be
 * shared, among replicas. */
bool model_shares_samples(struct model *model);
/* Hands a team to the circuits' plans and says the same. Results do not depend on it. */
bool model_set_team(struct model *model, struct team *team);

/* Makes room for windows of `steps` and batches up to `batch`; nothing is allocated after it. What was reserved before
 * stays reserved unless both together took more than twice the room of the larger one. Where there is not enough
 * the room that was there is given back before more is asked for, so ERR_OUT_OF_MEMORY leaves a model without any. */
int model_reserve(struct model *model, int steps, int batch, struct qlstm_error *error);

/* y [n_outputs][batch] = model(x [steps][n_inputs][batch]), of a model whose output is a sequence [steps][n_outputs]
 * [batch]. Within what was reserved. Keeps what backward needs, but for x, which is the caller's and stays as it is
 * until then. Evaluates: nothing is dropped, no state is gathered. */
void model_forward(struct model *model, const double *x, int steps, int batch, double *y);
/* The same as a part of training: layers that are random draw, for each sample by its index, and layers with state add
 * to its sums in the gradient block. */
void model_forward_training(struct model *model, const struct training_context *training, const double *x, int steps,
                            int batch, double *y);

/* From now on, what a layer that measures words is told; borrowed. NULL: nothing. */
void model_guide(struct model *model, const struct word_guide *guide);
/* Whether the model is such a layer: then it gives probabilities of words, not numbers or logits. */
bool model_measures_words(const struct model *model);
/* Whether such a model draws its outcomes in training too. */
bool model_draws_words(const struct model *model);

/* Of a ragged model: how many steps each sample of the next batches has, 1 to the steps of the batch; borrowed. What
 * stands behind a sample's last step changes nothing of what the model says before it. NULL: all are whole. A model
 * whose output is a vector takes each sample's own last step; layers that read from the end begin there. */
void model_lengths(struct model *model, const int *lengths);

/* Of a model with a decoder: likewise how many steps of each target count. */
void model_said_lengths(struct model *model, const int *lengths);

/* Rows of state that its layers carry from one batch to the next (behind a decoder, where there is one); ERR_INVALID at
 * "/layers/0" and so on for layers that read from the end or cannot carry theirs. */
int model_carried(const struct model *model, size_t *rows, struct qlstm_error *error);
/* From now on a forward pass begins with these states and leaves its own there; borrowed. NULL: none. */
void model_carry(struct model *model, const struct carry *carry);

/* Whether one of its layers is a decoder (layer/decoder.c). Then n_inputs is 2: a step of x has a token of the source
 * and one that stands before a token of the target, and model_lengths are those of the source. What is carried is the
 * state of the layers behind the decoder. */
bool model_decodes(const struct model *model);
/* Of such a model: reads sources x [steps][batch]; then what is carried becomes the states that the targets begin with,
 * of carry->first to first + batch - 1; then gives y [n_outputs][batch] of one more token each, given [batch], behind
 * those before, whose state is carried (model_carry). Within what was reserved. */
void model_encode(struct model *model, const double *x, int steps, int batch);
void model_begin(struct model *model, const struct carry *carry);
void model_decode(struct model *model, const double *given, int batch, double *y);

/* For the last forward, once, since it overwrites what forward kept: adds to the gradient block; dx
 * [steps][n_inputs][batch] is overwritten unless NULL. */
void model_backward(struct model *model, const double *dy, double *dx);

/* From now on the model's gradient block is `block`, params_elements numbers, borrowed: a slice of a batch has its own.
 * NULL: the model's own again, which keeps what it held. */
void model_set_gradients(struct model *model, double *block);

/* Once a batch, when all its gradients are in: the layers' state moves on by the sums in the gradient block. */
void model_update_state(struct model *model);
/* Whether the batches that it is trained on must not be cut into slices (layer.h). */
bool model_wants_whole_batches(const struct model *model);

/* Called after every time step of every recurrent layer, forward and backward, so that whoever drives a long pass can
 * show signs of life and stop it. A non-zero return abandons the pass: what it has computed is undefined. NULL: nobody.
 */
typedef watch_fn model_watch_fn;
void model_watch(struct model *model, model_watch_fn watch, void *context);
/* Whether the last forward or backward was abandoned. */
bool model_abandoned(const struct model *model);

/* The last recurrent layer's output of the last forward, [width][batch] of its final step; borrowed. For golden tests.
 */
const double *model_hidden(const struct model *model, int *width);

#endif
