/* Products of sines and cosines in the expectations of a circuit. */
#include "engine/circuit/terms.h"

#include <stdlib.h>
#include <string.h>

/* Steps back through operations, over all observables. */
#define BUDGET 1000000L

struct search {
	const struct circuit_program *program;
	int *group;  /* [n_ops]: the first of the rotations that an operation is one with; its own index else */
	bool *split; /* [n_ops]: by group: the string at hand is of a product with that rotation */
	enum term_reach *reach; /* [n_ops], by group */
	int terms, limit;
	long budget;
};

static uint32_t flip_if(uint32_t bits, int to, uint32_t from_bits, int from)
{
	return bits ^ ((from_bits >> from & 1) << to);
}

static uint32_t swap_bits(uint32_t bits, int a, int b)
{
	uint32_t differ = (bits >> a ^ bits >> b) & 1;
	return bits ^ (differ << a | differ << b);
}

/* What stands behind a gate without an angle, seen from before it; signs do not matter. T and constant rotations are
 * rotations. *known false: the gate is another one. */
static struct pauli_string through_clifford(struct pauli_string s, const struct circuit_op *op, bool *known)
{
	int a = op->wires[0], b = op->wires[1];
	uint32_t x = s.x, z = s.z;
	switch (op->gate) {
	case GATE_H:
		x = flip_if(flip_if(s.x, a, s.x, a), a, s.z, a);
		z = flip_if(flip_if(s.z, a, s.z, a), a, s.x, a);
		break;
	case GATE_S:
		z = flip_if(s.z, a, s.x, a);
		break;
	case GATE_CNOT:
		x = flip_if(s.x, b, s.x, a);
		z = flip_if(s.z, a, s.z, b);
		break;
	case GATE_CZ:
		z = flip_if(flip_if(s.z, a, s.x, b), b, s.x, a);
		break;
	case GATE_SWAP:
		x = swap_bits(s.x, a, b);
		z = swap_bits(s.z, a, b);
		break;
	case GATE_X:
	case GATE_Y:
	case GATE_Z:
		break;
	default:
		*known = false;
	}
	return (struct pauli_string){x, z};
}

/* The Pauli matrix that a rotation turns about; false where the gate is none. */
static bool axis_of(const struct circuit_op *op, struct pauli_string *axis)
{
	uint32_t bit = (uint32_t)1 << op->wires[0];
	switch (op->gate) {
	case GATE_RX:
		*axis = (struct pauli_string){bit, 0};
		return true;
	case GATE_RY:
		*axis = (struct pauli_string){bit, bit};
		return true;
	case GATE_RZ:
	case GATE_T:
		*axis = (struct pauli_string){0, bit};
		return true;
	default:
		return false;
	}
}

static bool on_wire(const struct circuit_op *op, int wire)
{
	return op->wires[0] == wire || op->wires[1] == wire;
}

/* Rotations of one axis with nothing between them on their wire are one. */
static int group_of(const struct search *s, int index)
{
	const struct circuit_op *ops = s->program->ops;
	for (int k = index - 1; k >= 0; k--)
		if (on_wire(&ops[k], ops[index].wires[0]))
			return ops[k].gate == ops[index].gate ? s->group[k] : index;
	return index;
}

static bool anticommute(struct pauli_string a, struct pauli_string b)
{
	return __builtin_parity((a.x & b.z) ^ (a.z & b.x));
}

static void note(struct search *s, int group, enum term_reach reach)
{
	if (s->reach[group] < reach)
		s->reach[group] = reach;
}

/* A string that has reached the start. */
static void arrive(struct search *s, struct pauli_string string)
{
	if (string.x != 0)
		return;
	if (s->terms == s->limit) {
		s->budget = -1;
		return;
	}
	s->terms++;
	for (int k = 0; k < s->program->n_ops; k++)
		if (s->split[k])
			note(s, k, TERM_LIVE);
}

/* From operation `index` back to the start. */
static void go_back(struct search *s, int index, struct pauli_string string)
{
	struct pauli_string axis;
	for (; index >= 0; index--) {
		const struct circuit_op *op = &s->program->ops[index];
		int group = s->group[index];
		if (--s->budget < 0)
			return;
		if (!axis_of(op, &axis)) {
			bool known = true;
			string = through_clifford(string, op, &known);
			if (known)
				continue;
			s->budget = -1;
			return;
		}
		bool there = ((string.x | string.z) & (axis.x | axis.z)) != 0;
		if (there && !anticommute(string, axis))
			note(s, group, TERM_COMMUTES);
		if (s->split[group] || !anticommute(string, axis))
			continue;
		note(s, group, TERM_VANISHES);
		s->split[group] = true;
		/* Others of its group are passed over: they were part of this one. */
		go_back(s, index - 1, string);
		go_back(s, index - 1, (struct pauli_string){string.x ^ axis.x, string.z ^ axis.z});
		s->split[group] = false;
		return;
	}
	arrive(s, string);
}

static void measure(struct search *s, struct circuit_terms *out)
{
	const struct circuit_program *p = s->program;
	for (int k = 0; k < p->n_observables && s->budget >= 0; k++) {
		s->terms = 0;
		go_back(s, p->n_ops - 1, p->observables[k]);
		out->most = s->terms > out->most ? s->terms : out->most;
	}
	if (s->budget < 0)
		out->most = -1;
	for (int k = 0; k < p->n_ops; k++) {
		const struct angle *angle = &p->ops[k].angle;
		enum term_reach reach = s->reach[s->group[k]];
		if (angle->source != ANGLE_WEIGHT)
			continue;
		if (s->budget < 0 && reach != TERM_LIVE)
			reach = TERM_UNKNOWN;
		if (out->reach[angle->index] < reach)
			out->reach[angle->index] = reach;
	}
}

int circuit_terms_find(const struct circuit_program *program, int limit, struct circuit_terms *out,
                       struct qlstm_error *error)
{
	size_t n = (size_t)program->n_ops + 1;
	struct search s = {.program = program, .limit = limit, .budget = BUDGET};
	*out = (struct circuit_terms){.reach = calloc((size_t)program->n_weights + 1, sizeof *out->reach)};
	s.group = calloc(n, sizeof *s.group);
	s.split = calloc(n, sizeof *s.split);
	s.reach = calloc(n, sizeof *s.reach);
	int rc = out->reach == NULL || s.group == NULL || s.split == NULL || s.reach == NULL ? ERR_OUT_OF_MEMORY : 0;
	for (int k = 0; rc == 0 && k < program->n_ops; k++) {
		struct pauli_string axis;
		s.group[k] = axis_of(&program->ops[k], &axis) ? group_of(&s, k) : k;
		s.reach[k] = TERM_APART;
	}
	if (rc == 0)
		measure(&s, out);
	free(s.group);
	free(s.split);
	free(s.reach);
	if (rc == 0)
		return 0;
	circuit_terms_free(out);
	return error_set(error, rc, NULL, "out of memory for the terms of a circuit");
}

void circuit_terms_free(struct circuit_terms *terms)
{
	free(terms->reach);
	*terms = (struct circuit_terms){0};
}
