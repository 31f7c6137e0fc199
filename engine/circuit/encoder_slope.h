/* Slopes of encoders, a register of samples at a time. */
#ifndef QLSTM_CIRCUIT_ENCODER_SLOPE_H
#define QLSTM_CIRCUIT_ENCODER_SLOPE_H

#include "engine/circuit/program.h"
#include "engine/vector/vector.h"

/* What gradients with respect to the angle are multiplied with. */
static inline vec64 encoder_slope(enum encoder encoder, vec64 x)
{
	vec64 square = x * x;
	if (encoder == ENCODER_ATAN)
		return 1.0 / (1.0 + square);
	if (encoder == ENCODER_ATAN_SQUARE)
		return 2.0 * (x / (1.0 + square * square)); /* 2 x alone could overflow */
	for (size_t l = 0; l < WIDTH64; l++)
		x[l] = encoder_derivative(encoder, x[l]);
	return x;
}

#endif
