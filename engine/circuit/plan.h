/* A plan: one exact way to evaluate a program and its gradient on a batch of samples.
 *
 * Arrays hold one row per feature, weight or observable with the batch innermost: features[f * batch + b]. A plan keeps
 * its own scratch memory, so one plan serves one thread at a time; results are identical from call to call. */
#ifndef QLSTM_CIRCUIT_PLAN_H
#define QLSTM_CIRCUIT_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "engine/circuit/program.h"

struct plan;

/* `kind` is "reference", "batch", "local", "wide" or "auto"/NULL (the planner chooses, planner.h). The program is
 * borrowed and must outlive the plan. ERR_TOO_LARGE, before anything large is allocated, when the plan would take more
 * than PLANNER_MEMORY_DEFAULT or does not apply to the program; ERR_NOT_FOUND for an unknown kind. */
int plan_new(struct plan **out, const struct circuit_program *program, const char *kind, struct qlstm_error *error);
void plan_free(struct plan *plan);

/* What was chosen, never "auto". */
const char *plan_name(const struct plan *plan);
/* What plan_new would choose for this program, without building anything; NULL for an unknown kind. */
const char *plan_choice(const struct circuit_program *program, const char *kind);
/* The i-th plan kind's name, NULL past the last one. "auto" is not among them. */
const char *plan_kind_name(int index);
/* The instruction set that the kernels use in this process: "x86-64", "x86-64-v3", "x86-64-v4" or "generic". */
const char *plan_isa(void);
/* More than there is; a few of them can be added up. */
#define PLAN_BYTES_NEVER (SIZE_MAX / 64)
/* Bytes of scratch memory that a plan of this program takes; `kind` as above. PLAN_BYTES_NEVER when it does not apply,
 * 0 for an unknown kind. */
size_t plan_bytes(const struct circuit_program *program, const char *kind);

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

#endif
