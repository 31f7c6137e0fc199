/* A quantum block: a circuit that a layer or a cell runs, with the angles it is trained by and the plan that runs it.
 *
 * A block has one program and one or more sets of angles; a call evaluates the program with every set on the same
 * features. Example: the four gates of a quantum LSTM cell are one block of four sets.
 *
 * Shapes, the batch innermost: features [n_features][batch], expectations [sets][n_expectations][batch]. The angles, in
 * radians, are the rows first_set .. first_set + sets - 1 of a tensor "PREFIX.circuits" [rows][the ansatz's shape],
 * which several blocks may share. A call keeps nothing for the next one: backward computes the states anew from
 * features and angles. Cost of a call: that of plan_forward_many and plan_backward_many (engine/circuit/plan.h). */
#ifndef QLSTM_NN_QUANTUM_BLOCK_H
#define QLSTM_NN_QUANTUM_BLOCK_H

#include "engine/circuit/ansatz/ansatz.h"
#include "engine/circuit/plan.h"
#include "engine/circuit/planner.h"
#include "engine/arena.h"
#include "engine/error.h"
#include "engine/nn/layer_circuit.h"
#include "engine/nn/layer_config.h"
#include "engine/nn/params.h"

/* When a pass over a sequence calls a block. QUANTUM_BETWEEN_STEPS: after every step but the last, for what only the
 * next step reads. QUANTUM_OUTPUTS: in the steps whose output somebody wants. */
enum quantum_calls { QUANTUM_EVERY_STEP, QUANTUM_BETWEEN_STEPS, QUANTUM_OUTPUTS };

struct quantum_block {
	const char *role; /* what the circuit is for: "gates", "hidden", "output"; a string constant */
	enum quantum_calls calls;
	int sets, n_features, n_expectations;
	struct circuit_program *program; /* owned */
	struct plan *plan;               /* owned; NULL before quantum_block_prepare */
	struct params *params;           /* borrowed: where the angles are */
	int tensor;                      /* their index in params */
	int first_set;
	bool estimated;
	struct plan_estimate estimate; /* valid where estimated */
	struct quantum_block *next;    /* in its list */
	/* Where the program's weights are multiples of the tensor's numbers: weight k is that of multiples[k]
	 * (borrowed); angles and d_angles [program->n_weights] are scratch, owned. NULL: they are the numbers. */
	const struct angle_multiple *multiples;
	double *angles, *d_angles;
	/* What forward calls leave for backward ones (plan_forward_kept), in kept_size bytes: of the last kept_calls of
	 * the pass's `steps` time steps, kept_bytes each; they are still in the caches when the pass turns round. */
	char *kept;
	size_t kept_size, kept_bytes;
	int kept_calls, steps;
	const struct feature_made *made; /* layer_circuit.h; borrowed; what its features are, for those who list them */
};

/* The blocks of a layer, in the order of their opening. The blocks belong to those who opened them. */
struct quantum_list {
	struct quantum_block *first;
	bool forgets; /* no forward call leaves anything: no backward one will come */
};

/* The first block of a role, NULL when there is none. */
struct quantum_block *quantum_list_find(const struct quantum_list *list, const char *role);
/* quantum_block_prepare for all of them. */
int quantum_list_prepare(const struct quantum_list *list, const struct plan_request *request,
                         struct qlstm_error *error);

/* Bytes that forward calls keep at most, for all blocks of a layer together: an L2 cache. */
#define QUANTUM_KEPT_BYTES ((size_t)2 << 20)
/* What a block of the list takes of it for passes over `steps` time steps: its share, as far as it has a use for it.
 * `request` as in quantum_block_estimate. */
size_t quantum_block_kept(const struct quantum_list *list, struct quantum_block *block,
                          const struct plan_request *request, int steps, int batch);
/* What all blocks of the list take. */
size_t quantum_list_kept(const struct quantum_list *list, const struct plan_request *request, int steps, int batch);
void quantum_list_lay_out(const struct quantum_list *list, const struct plan_request *request, struct arena *arena,
                          int steps, int batch);
/* A forward pass begins; `turns`: a backward pass will follow. */
void quantum_list_begin(const struct quantum_list *list, int steps, int batch, bool turns);

/* What a block is made of. */
struct quantum_design {
	const char *role;
	enum quantum_calls calls;
	int sets;
	const struct ansatz *ansatz;
	struct ansatz_config circuit;
};

/* Builds the program and enters the block into `list`, both of which stay where they are until quantum_block_close.
 * Errors are those of ansatz_build. */
int quantum_block_open(struct quantum_block *block, const struct quantum_design *design, struct quantum_list *list,
                       struct qlstm_error *error);
/* The same of a program that is there already and that the block owns from now on, also where it fails; one set.
 * ERR_OUT_OF_MEMORY. */
int quantum_block_adopt(struct quantum_block *block, const char *role, struct circuit_program *program,
                        const struct angle_multiple *multiples, struct quantum_list *list, struct qlstm_error *error);
void quantum_block_close(struct quantum_block *block);

/* Declares the tensor "PREFIX.circuits" [rows][the ansatz's shape] and returns its index in params, or a negative code.
 */
int quantum_angles_add(struct params *params, const char *prefix, const struct quantum_design *design, int rows,
                       enum angle_init init);
/* The block's sets are the tensor's rows from first_set on. */
void quantum_block_bind(struct quantum_block *block, struct params *params, int tensor, int first_set);

/* Makes the plan, once. Errors are those of plan_new_request. */
int quantum_block_prepare(struct quantum_block *block, const struct plan_request *request, struct qlstm_error *error);
/* What the planner says of the block: of its plan if there is one, else of what `request` would give. Borrowed. */
const struct plan_estimate *quantum_block_estimate(struct quantum_block *block, const struct plan_request *request);
/* Evaluations of the program, forward and backward being one, in a pass over `steps` time steps of which `outs` give an
 * output. A set counts as one. */
double quantum_block_evaluations(const struct quantum_block *block, int steps, int outs);

/* The program with one of its sets of angles; borrowed, the angles until the next call. */
void quantum_block_trained(const struct quantum_block *block, int set, struct trained_angles *out);

/* expectations = the program's, with every set. `step` counts the pass's time steps from 0, in any order; every step
 * has one call at most. */
void quantum_block_forward(const struct quantum_block *block, int step, const double *features, int batch,
                           double *expectations);
/* d_features += the gradient on the features, summed over the sets; the gradient on the angles is added to the gradient
 * block of params. step, features and batch are those of the forward call. */
void quantum_block_backward(const struct quantum_block *block, int step, const double *features, int batch,
                            const double *d_expectations, double *d_features);

#endif
