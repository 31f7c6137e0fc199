/* Gradients by the parameter-shift rule, on any kind of plan: what hardware can measure, where the adjoint method needs
 * the state. Every gate with a variable angle is exp(-i t P / 2), for which
 *   df/dt = (f(t + pi/2) - f(t - pi/2)) / 2
 * is exact (Schuld et al., arXiv 1811.11184); an angle that several gates have is shifted in each of them and the
 * slopes add up. Controlled rotations are made of such gates (qasm/), so nothing here approximates.
 *
 * Cost: 2 V + 1 evaluations of the circuit, V being the gates with a weight or a feature; the adjoint method takes
 * about three whatever V is. Internal to engine/circuit: plan.h with request.diff_method. */
#ifndef QLSTM_CIRCUIT_SHIFT_H
#define QLSTM_CIRCUIT_SHIFT_H

#include "engine/circuit/planner.h"

struct shift;

/* Borrows the program, which is checked. Errors are those of plan_new_request. */
int shift_new(struct shift **out, const struct circuit_program *program, const struct plan_request *request,
              struct qlstm_error *error);
void shift_free(struct shift *shift);

/* The plan that evaluates the circuits; borrowed. */
struct plan *shift_plan(const struct shift *shift);

/* As plan_forward and plan_backward. */
void shift_forward(struct shift *shift, const double *features, const double *weights, size_t batch, double *outputs);
void shift_backward(struct shift *shift, const double *features, const double *weights, size_t batch,
                    const double *d_outputs, double *d_features, double *d_weights);

/* From what a plan takes with the adjoint method to what it takes by shifts. */
void shift_estimate(const struct circuit_program *program, struct plan_estimate *estimate);

#endif
