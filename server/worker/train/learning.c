/* Where a model learns, and where it cannot. */
#include "server/worker/train/learning.h"

#include <limits.h>
#include <stdio.h>

#include "engine/circuit/terms.h"
#include "server/worker/reply.h"

/* Angles that are listed at most. */
enum { LISTED = 100 };

static const char *const reasons[] = {
    [TERM_UNKNOWN] = "its gradient was exactly 0 in every batch; the circuit is too large to say why",
    [TERM_APART] = "no measured wire depends on it",
    [TERM_COMMUTES] = "it commutes with all that is measured behind it",
    [TERM_VANISHES] = "the state before it is not changed by it",
    [TERM_LIVE] =
        "its gradient was exactly 0 in every batch, though what is measured depends on it: nothing reads that"};

static const char *kind_name(const struct param *param)
{
	return param->kind == PARAM_QUANTUM ? "quantum" : "classical";
}

/* Appends and steals; false when out of memory. */
static bool append(json_t *list, json_t *item)
{
	return json_array_append_new(list, item) == 0;
}

static json_t *tensors_json(const struct job *job, const struct trainer_gradients *gradients)
{
	const struct params *params = model_params(job->model);
	json_t *list = json_array();
	for (int k = 0; k < params->count; k++) {
		const struct param *param = &params->items[k];
		if (param->kind == PARAM_STATE)
			continue;
		if (!append(list, json_pack("{s:s, s:s, s:o}", "tensor", param->name, "kind", kind_name(param), "norm",
		                            reply_number(gradients->norms[k])))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

struct findings {
	const struct job *job;
	struct trainer_gradients gradients;
	json_t *dead, *trivial;
	size_t n_dead;
	bool looks_for_dead; /* else for trivial circuits only */
	bool failed;
};

/* How trained number `number` comes into what is measured: as the angle does that is made of it, of several angles the
 * one that comes in furthest. A number that no gate reads is apart. */
static enum term_reach reach_of(const struct circuit_terms *terms, const struct trained_angles *angles, int number)
{
	if (angles->multiples == NULL)
		return terms->reach[number];
	enum term_reach furthest = TERM_UNKNOWN;
	bool is_read = false;
	for (int w = 0; w < angles->program->n_weights; w++) {
		if (angles->multiples[w].source != number)
			continue;
		is_read = true;
		furthest = terms->reach[w] > furthest ? terms->reach[w] : furthest;
	}
	return is_read ? furthest : TERM_APART;
}

static void find_dead(struct findings *f, const char *tensor, int row, const struct circuit_terms *terms,
                      const struct trained_angles *angles)
{
	const double *largest = f->gradients.largest + (angles->numbers - model_params(f->job->model)->values);
	for (int k = 0; k < angles->n_numbers; k++) {
		if (largest[k] != 0)
			continue;
		f->n_dead++;
		if (json_array_size(f->dead) < LISTED)
			f->failed |= !append(f->dead, json_pack("{s:s, s:i, s:I, s:s}", "tensor", tensor, "circuit",
			                                        row, "angle", (json_int_t)k, "reason",
			                                        reasons[reach_of(terms, angles, k)]));
	}
}

/* Products for each expectation at most. */
#define MOST_TRIVIAL 1

/* A circuit that reads features and gives so few. */
static bool is_trivial(const struct circuit_program *program, const struct circuit_terms *terms)
{
	return program->n_features > 0 && terms->most >= 0 && terms->most <= MOST_TRIVIAL;
}

#define TRIVIAL                                                                                                        \
	"each expectation is a single product of sines and cosines of sums of inputs and angles: a classical "         \
	"computer has it at once; more layers (depth, n_qlayers) or another ansatz make a circuit that it has not"

/* All circuits of a tensor, "layers.I.circuits" or "layers.I.reverse.circuits". */
static void find_in_tensor(struct findings *f, int layer, bool reverse)
{
	struct trained_angles angles;
	bool said = false;
	char name[PARAM_NAME_SIZE];
	snprintf(name, sizeof name, "layers.%d.%scircuits", layer, reverse ? "reverse." : "");
	struct circuit_terms terms = {0};
	const struct circuit_program *counted = NULL; /* whose terms these are: rows share a program, most often */
	for (int row = 0; model_trained_circuit(f->job->model, layer, reverse, row, &angles); row++) {
		bool counts = row == 0 || angles.program != counted;
		if (counts)
			circuit_terms_free(&terms);
		if (counts &&
		    circuit_terms_find(angles.program, f->looks_for_dead ? INT_MAX : MOST_TRIVIAL, &terms, NULL) != 0) {
			f->failed = true;
			return;
		}
		counted = angles.program;
		if (!said && is_trivial(angles.program, &terms))
			f->failed |= !append(f->trivial, json_pack("{s:s, s:s}", "tensor", name, "message", TRIVIAL));
		said = said || is_trivial(angles.program, &terms);
		if (f->looks_for_dead)
			find_dead(f, name, row, &terms, &angles);
	}
	circuit_terms_free(&terms);
}

static void find_all(struct findings *f, const struct job *job, bool looks_for_dead)
{
	*f = (struct findings){
	    .job = job, .gradients = trainer_gradients(job->trainer), .dead = json_array(), .trivial = json_array()};
	f->looks_for_dead = looks_for_dead && f->gradients.epoch > 0;
	for (int layer = 0; layer < model_config(job->model)->n_layers; layer++) {
		find_in_tensor(f, layer, false);
		find_in_tensor(f, layer, true);
	}
}

json_t *learning_json(const struct job *job)
{
	struct findings f;
	find_all(&f, job, true);
	if (f.failed || f.gradients.epoch == 0) {
		json_decref(f.dead);
		json_decref(f.trivial);
		return f.failed ? NULL : json_null();
	}
	return json_pack("{s:i, s:o, s:o, s:o, s:o, s:I, s:o}", "epoch", f.gradients.epoch, "quantum",
	                 reply_number(f.gradients.quantum), "classical", reply_number(f.gradients.classical), "tensors",
	                 tensors_json(job, &f.gradients), "cannot_learn", f.dead, "cannot_learn_count",
	                 (json_int_t)f.n_dead, "trivial", f.trivial);
}

void learning_warning(const struct job *job, char *out, size_t size)
{
	struct findings f;
	find_all(&f, job, false);
	const char *tensor = json_string_value(json_object_get(json_array_get(f.trivial, 0), "tensor"));
	out[0] = '\0';
	if (tensor != NULL)
		snprintf(out, size, "the circuits of %s are classically trivial: %s", tensor, TRIVIAL);
	json_decref(f.dead);
	json_decref(f.trivial);
}
