/* Gates by gates that every plan has. */
#include "engine/circuit/qasm/qasm_gates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WRITE(name) static void name(struct qasm_writer *w, const int *q, const struct qasm_affine *a)

/* The index of an angle in one of the circuit's lists, where it is entered if it is new; -1: out of memory. */
static int enter(struct qasm_angle **list, int *count, int *capacity, struct qasm_angle angle)
{
	for (int k = 0; k < *count; k++)
		if ((*list)[k].source == angle.source && (*list)[k].encoder == angle.encoder &&
		    (*list)[k].scale == angle.scale)
			return k;
	if (*count == *capacity) {
		int wanted = *capacity > 0 ? 2 * *capacity : 32;
		struct qasm_angle *larger = realloc(*list, (size_t)wanted * sizeof angle);
		if (larger == NULL)
			return -1;
		*list = larger;
		*capacity = wanted;
	}
	(*list)[*count] = angle;
	return (*count)++;
}

/* Rotation by factor times the angle: that of its input, then that of its offset. */
static void rotate(struct qasm_writer *w, enum gate gate, int wire, struct qasm_affine angle, double factor)
{
	struct circuit_program *program = w->circuit->program;
	if (angle.input >= 0) {
		const struct qasm_input *input = &w->inputs[angle.input];
		struct qasm_angle source = {input->index, input->encoder, factor * angle.scale};
		/* program_rotation counts them up. */
		int features = program->n_features, weights = program->n_weights;
		int index = input->feature ? enter(&w->circuit->features, &features, &w->features_capacity, source)
		                           : enter(&w->circuit->weights, &weights, &w->weights_capacity, source);
		w->failed = w->failed || index < 0;
		if (index >= 0)
			program_rotation(program, gate, wire,
			                 input->feature ? angle_feature(index, ENCODER_X) : angle_weight(index));
	}
	if (angle.offset != 0.0 || angle.input < 0)
		program_rotation(program, gate, wire, angle_constant(factor * angle.offset));
}

static void fixed(struct qasm_writer *w, enum gate gate, int wire)
{
	program_gate(w->circuit->program, gate, wire);
}

static void turn(struct qasm_writer *w, enum gate gate, int wire, double radians)
{
	program_rotation(w->circuit->program, gate, wire, angle_constant(radians));
}

static void cnot(struct qasm_writer *w, int control, int target)
{
	program_cnot(w->circuit->program, control, target);
}

#define FIXED(name, gate)                                                                                              \
	WRITE(name)                                                                                                    \
	{                                                                                                              \
		(void)a;                                                                                               \
		fixed(w, gate, q[0]);                                                                                  \
	}
#define ROTATION(name, gate)                                                                                           \
	WRITE(name)                                                                                                    \
	{                                                                                                              \
		rotate(w, gate, q[0], a[0], 1.0);                                                                      \
	}
#define TURN(name, gate, radians)                                                                                      \
	WRITE(name)                                                                                                    \
	{                                                                                                              \
		(void)a;                                                                                               \
		turn(w, gate, q[0], radians);                                                                          \
	}
FIXED(write_h, GATE_H)
FIXED(write_x, GATE_X)
FIXED(write_y, GATE_Y)
FIXED(write_z, GATE_Z)
FIXED(write_s, GATE_S)
FIXED(write_t, GATE_T)
TURN(write_sdg, GATE_RZ, -M_PI_2)
TURN(write_tdg, GATE_RZ, -M_PI_4)
TURN(write_sx, GATE_RX, M_PI_2)
TURN(write_sxdg, GATE_RX, -M_PI_2)
ROTATION(write_rx, GATE_RX)
ROTATION(write_ry, GATE_RY)
ROTATION(write_rz, GATE_RZ)

WRITE(write_id)
{
	(void)w, (void)q, (void)a;
}

/* U(theta, phi, lambda) = RZ(phi) RY(theta) RZ(lambda): lambda acts first. */
WRITE(write_u)
{
	rotate(w, GATE_RZ, q[0], a[2], 1.0);
	rotate(w, GATE_RY, q[0], a[0], 1.0);
	rotate(w, GATE_RZ, q[0], a[1], 1.0);
}

/* u2(phi, lambda) = U(pi/2, phi, lambda). */
WRITE(write_u2)
{
	rotate(w, GATE_RZ, q[0], a[1], 1.0);
	turn(w, GATE_RY, q[0], M_PI_2);
	rotate(w, GATE_RZ, q[0], a[0], 1.0);
}

WRITE(write_cx)
{
	(void)a;
	cnot(w, q[0], q[1]);
}

WRITE(write_cy)
{
	(void)a;
	turn(w, GATE_RZ, q[1], -M_PI_2);
	cnot(w, q[0], q[1]);
	turn(w, GATE_RZ, q[1], M_PI_2);
}

WRITE(write_cz)
{
	(void)a;
	program_gate2(w->circuit->program, GATE_CZ, q[0], q[1]);
}

WRITE(write_swap)
{
	(void)a;
	program_gate2(w->circuit->program, GATE_SWAP, q[0], q[1]);
}

/* H = RY(pi/4) Z RY(-pi/4). */
WRITE(write_ch)
{
	(void)a;
	turn(w, GATE_RY, q[1], -M_PI_4);
	program_gate2(w->circuit->program, GATE_CZ, q[0], q[1]);
	turn(w, GATE_RY, q[1], M_PI_4);
}

/* Two halves of the rotation, the second one turned the other way where the control is 1 between them. */
static void controlled(struct qasm_writer *w, enum gate gate, const int *q, struct qasm_affine angle)
{
	rotate(w, gate, q[1], angle, 0.5);
	cnot(w, q[0], q[1]);
	rotate(w, gate, q[1], angle, -0.5);
	cnot(w, q[0], q[1]);
}

WRITE(write_crz)
{
	controlled(w, GATE_RZ, q, a[0]);
}

WRITE(write_cry)
{
	controlled(w, GATE_RY, q, a[0]);
}

WRITE(write_crx)
{
	fixed(w, GATE_H, q[1]);
	controlled(w, GATE_RZ, q, a[0]);
	fixed(w, GATE_H, q[1]);
}

/* diag(1, 1, 1, exp(i angle)). */
WRITE(write_cp)
{
	rotate(w, GATE_RZ, q[0], a[0], 0.5);
	controlled(w, GATE_RZ, q, a[0]);
}

/* exp(-i angle/2 Z Z). */
WRITE(write_rzz)
{
	cnot(w, q[0], q[1]);
	rotate(w, GATE_RZ, q[1], a[0], 1.0);
	cnot(w, q[0], q[1]);
}

WRITE(write_rxx)
{
	for (int k = 0; k < 2; k++)
		fixed(w, GATE_H, q[k]);
	write_rzz(w, q, a);
	for (int k = 0; k < 2; k++)
		fixed(w, GATE_H, q[k]);
}

WRITE(write_ryy)
{
	for (int k = 0; k < 2; k++)
		turn(w, GATE_RX, q[k], M_PI_2);
	write_rzz(w, q, a);
	for (int k = 0; k < 2; k++)
		turn(w, GATE_RX, q[k], -M_PI_2);
}

/* Nielsen and Chuang, figure 4.9. */
WRITE(write_ccx)
{
	(void)a;
	const double eighth = M_PI_4;
	fixed(w, GATE_H, q[2]);
	cnot(w, q[1], q[2]);
	turn(w, GATE_RZ, q[2], -eighth);
	cnot(w, q[0], q[2]);
	turn(w, GATE_RZ, q[2], eighth);
	cnot(w, q[1], q[2]);
	turn(w, GATE_RZ, q[2], -eighth);
	cnot(w, q[0], q[2]);
	turn(w, GATE_RZ, q[1], eighth);
	turn(w, GATE_RZ, q[2], eighth);
	fixed(w, GATE_H, q[2]);
	cnot(w, q[0], q[1]);
	turn(w, GATE_RZ, q[0], eighth);
	turn(w, GATE_RZ, q[1], -eighth);
	cnot(w, q[0], q[1]);
}

static const struct qasm_gate gates[] = {
    {"h", 1, 0, write_h},       {"x", 1, 0, write_x},       {"y", 1, 0, write_y},     {"z", 1, 0, write_z},
    {"s", 1, 0, write_s},       {"sdg", 1, 0, write_sdg},   {"t", 1, 0, write_t},     {"tdg", 1, 0, write_tdg},
    {"sx", 1, 0, write_sx},     {"sxdg", 1, 0, write_sxdg}, {"id", 1, 0, write_id},   {"rx", 1, 1, write_rx},
    {"ry", 1, 1, write_ry},     {"rz", 1, 1, write_rz},     {"p", 1, 1, write_rz},    {"phase", 1, 1, write_rz},
    {"u1", 1, 1, write_rz},     {"u2", 1, 2, write_u2},     {"u3", 1, 3, write_u},    {"u", 1, 3, write_u},
    {"U", 1, 3, write_u},       {"cx", 2, 0, write_cx},     {"CX", 2, 0, write_cx},   {"cnot", 2, 0, write_cx},
    {"cy", 2, 0, write_cy},     {"cz", 2, 0, write_cz},     {"ch", 2, 0, write_ch},   {"swap", 2, 0, write_swap},
    {"crx", 2, 1, write_crx},   {"cry", 2, 1, write_cry},   {"crz", 2, 1, write_crz}, {"cp", 2, 1, write_cp},
    {"cphase", 2, 1, write_cp}, {"rxx", 2, 1, write_rxx},   {"ryy", 2, 1, write_ryy}, {"rzz", 2, 1, write_rzz},
    {"ccx", 3, 0, write_ccx},
};

const struct qasm_gate *qasm_gate_find(const char *name, size_t length)
{
	for (size_t k = 0; k < sizeof gates / sizeof gates[0]; k++)
		if (strlen(gates[k].name) == length && memcmp(gates[k].name, name, length) == 0)
			return &gates[k];
	return NULL;
}
