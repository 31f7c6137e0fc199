/* Pairs of rotations; see local_pairs.h. */
#include "engine/circuit/local/local_pairs.h"

#include <stdlib.h>

static bool is_plain_feature(const struct angle *angle)
{
	return angle->source == ANGLE_FEATURE && (angle->encoder == ENCODER_X || angle->encoder == ENCODER_PI_X);
}

/* `readers` [n_features]: rotations by that feature. */
static bool may_pair(const struct circuit_op *a, const struct circuit_op *b, const int *readers)
{
	if (a->angle.source == ANGLE_WEIGHT) {
		const struct circuit_op *keep = a;
		a = b;
		b = keep;
	}
	return a->gate == b->gate && is_plain_feature(&a->angle) && b->angle.source == ANGLE_WEIGHT &&
	       readers[a->angle.index] == 1;
}

static void find_pairs(const struct circuit_program *program, const int *readers, int *earlier)
{
	int last[CIRCUIT_MAX_WIRES]; /* the rotation that the wire's next gate meets; LOCAL_UNPAIRED: none */
	for (int w = 0; w < program->n_wires; w++)
		last[w] = LOCAL_UNPAIRED;
	for (int i = 0; i < program->n_ops; i++) {
		const struct circuit_op *op = &program->ops[i];
		int *before = &last[op->wires[0]];
		if (gate_wires(op->gate) == 2)
			last[op->wires[1]] = LOCAL_UNPAIRED;
		earlier[i] = LOCAL_UNPAIRED;
		if (*before >= 0 && may_pair(&program->ops[*before], op, readers)) {
			earlier[i] = *before;
			earlier[*before] = LOCAL_PAIRED;
			*before = LOCAL_UNPAIRED;
		} else {
			*before = gate_takes_angle(op->gate) ? i : LOCAL_UNPAIRED;
		}
	}
}

int *local_pairs_new(const struct circuit_program *program)
{
	int *earlier = malloc(((size_t)program->n_ops + 1) * sizeof *earlier);
	int *readers = calloc((size_t)program->n_features + 1, sizeof *readers);
	if (earlier != NULL && readers != NULL) {
		for (int i = 0; i < program->n_ops; i++)
			if (program->ops[i].angle.source == ANGLE_FEATURE)
				readers[program->ops[i].angle.index]++;
		find_pairs(program, readers, earlier);
	} else {
		free(earlier);
		earlier = NULL;
	}
	free(readers);
	return earlier;
}
