/* A plan: one exact way to evaluate a program and its gradient on a batch of samples.
 *
 * Arrays hold one row per feature, weight or observable with the batch innermost: features[f * batch + b]. A plan keeps
 * its own scratch memory, so one plan serves one thread at a time; results are identical from call to call. */
#ifndef QLSTM_CIRCUIT_PLAN_H
#define QLSTM_CIRCUIT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/circuit/program.h"

struct plan;
struct plan_estimate; /* planner.h */
struct plan_request;
struct team;

/* Of the arithmetic inside; arrays are always float64, and gradients of weights add up in float64. */
enum precision { PRECISION_FLOAT64, PRECISION_FLOAT32 };

/* `kind` is "reference", "batch", "local", "wide" or "auto"/NULL (the planner chooses, planner.h). The program is
 * borrowed and must outlive the plan. ERR_TOO_LARGE, before anything large is allocated, when the plan would take more
 * than PLANNER_MEMORY_DEFAULT or does not apply to the program; ERR_NOT_FOUND for an unknown kind. */
int plan_new(struct plan **out, const struct circuit_program *program, const char *kind, struct qlstm_error *error);
/* plan_new in a precision. PRECISION_FLOAT32 lets it compute in float32: every kind but "reference" does, and "auto"
 * takes the cheapest of all. plan_precision tells. */
int plan_new_precision(struct plan **out, const struct circuit_program *program, const char *kind,
                       enum precision precision, struct qlstm_error *error);
/* plan_new by a request of its own (planner.h): the batch that "auto" has in mind, the memory it may take. */
int plan_new_request(struct plan **out, const struct circuit_program *program, const struct plan_request *request,
                     struct qlstm_error *error);
void plan_free(struct plan *plan);

/* What was chosen, never "auto". */
const char *plan_name(const struct plan *plan);
enum precision plan_precision(const struct plan *plan);
/* What the planner said of it, for the batch of its request (planner.h). Borrowed. */
const struct plan_estimate *plan_estimated(const struct plan *plan);

/* Lets the plan share one sample's work among the team's members (engine/team.h; borrowed, NULL: the caller alone).
 * False for kinds that do not: with those, samples are shared, each member having a plan of its own. Results do not
 * depend on it. */
bool plan_set_team(struct plan *plan, struct team *team);
/* Whether it would. */
bool plan_takes_team(const struct plan *plan);
/* What plan_new would choose for this program, without building anything; NULL for an unknown kind. */
const char *plan_choice(const struct circuit_program *program, const char *kind);
const char *plan_choice_precision(const struct circuit_program *program, const char *kind, enum precision precision);
/* The i-th plan kind's name, NULL past the last one. "auto" is not among them. */
const char *plan_kind_name(int index);
/* The instruction set that the kernels use in this process: "x86-64", "x86-64-v3", "x86-64-v4", "arm64" or
 * "generic". */
const char *plan_isa(void);
/* Whether it and the one of that name, perhaps another machine's, give the same bytes: x86-64-v3, -v4 and arm64
 * do. */
bool plan_isa_same_bytes(const char *name);
/* Makes the process use another one; before any plan or model is made, by one thread. An unknown name, and one that
 * this processor lacks, are refused: ERR_NOT_FOUND, ERR_INVALID. */
int plan_isa_use(const char *name, struct qlstm_error *error);
/* Bytes of a plan that cannot be: more than any machine has, and 64 of them still fit a size_t. */
#define PLAN_BYTES_NEVER (SIZE_MAX / 64)
/* Bytes of scratch memory that a plan of this program takes; `kind` as above. PLAN_BYTES_NEVER when it does not apply,
 * 0 for an unknown kind. */
size_t plan_bytes(const struct circuit_program *program, const char *kind);
size_t plan_bytes_precision(const struct circuit_program *program, const char *kind, enum precision precision);

/* outputs[o][b] = <O_o> of sample b. features [n_features][batch], weights [n_weights]. Cost: one pass over the gates
 * per sample. */
void plan_forward(struct plan *plan, const double *features, const double *weights, size_t batch, double *outputs);

/* The vector-Jacobian product for the cotangents d_outputs [n_observables][batch]:
 *   d_features[f][b] += sum_o d_outputs[o][b] d<O_o>/dfeature_f       (NULL: not wanted)
 *   d_weights[k]     += sum_b sum_o d_outputs[o][b] d<O_o>/dweight_k  (NULL: not wanted)
 * States are recomputed from features and weights; the sum over b has a fixed order. Adjoint method (Jones and Gacon,
 * arXiv 2009.02823) with one effective observable sum_o g_o O_o, so one sweep serves all outputs. */
void plan_backward(struct plan *plan, const double *features, const double *weights, size_t batch,
                   const double *d_outputs, double *d_features, double *d_weights);

/* The same program with `sets` sets of weights, [sets][n_weights], on the same features, as the gates of a cell have
 * it: outputs [sets][n_observables][batch]. Faster than one call each, since what does not depend on weights is done
 * once. */
void plan_forward_many(struct plan *plan, const double *features, const double *weights, int sets, size_t batch,
                       double *outputs);
/* d_outputs [sets][n_observables][batch]; d_features [n_features][batch] adds up over the sets, d_weights
 * [sets][n_weights]. */
void plan_backward_many(struct plan *plan, const double *features, const double *weights, int sets, size_t batch,
                        const double *d_outputs, double *d_features, double *d_weights);

/* Room for what a forward call leaves for its backward call, aligned to 64 bytes. */
struct plan_room {
	void *at; /* NULL: none */
	size_t bytes;
};

#define PLAN_NO_ROOM ((struct plan_room){NULL, 0})

/* Bytes that a call of plan_forward_kept leaves for its plan_backward_kept; 0: the plan keeps nothing. */
size_t plan_kept_bytes(const struct plan *plan, int sets, size_t batch);
/* plan_forward_many that leaves in `kept` what it computed of the samples and their states, and plan_backward_many that
 * begins there instead of going forward again; features, weights, batch and the room are those of the forward call, and
 * so are the results, to the bit. In less than plan_kept_bytes the first samples are kept, as many as fit; the backward
 * call goes forward again for the others. PLAN_NO_ROOM: the calls above. Example: a cell that keeps four calls, one a
 * time step, and takes them back in any order; each once. */
void plan_forward_kept(struct plan *plan, const double *features, const double *weights, int sets, size_t batch,
                       double *outputs, struct plan_room kept);
void plan_backward_kept(struct plan *plan, const double *features, const double *weights, int sets, size_t batch,
                        const double *d_outputs, double *d_features, double *d_weights, struct plan_room kept);

#endif
