/* The layer hqrnn: with which states its sequences begin, and with which they end.
 *
 * Carried (carry.h) are psi and z; where psi is all zero the sample begins anew. Angles theta_0 get a gradient from
 * batches whose samples all begin anew. Behind a decoder the layer may begin with what another one ended with
 * (source.h); then lambda and the gradient on z go back there.
 *
 * Of sequences that are shorter than their batch the cell steps on through the padding, which no one reads; psi is kept
 * at each one's own end, and the way back begins there: so a sequence has the same bytes, forward and back, alone and
 * in any batch. */
#include <string.h>

#include "engine/nn/layer/hqrnn.h"

/* Numbers of psi. */
static size_t numbers_of(const struct layer *layer)
{
	return (size_t)2 << layer->config.hqrnn.n_qubits;
}

bool hqrnn_keeps_ends(const struct layer *layer)
{
	return layer->ragged || layer->hands_over != NULL;
}

bool hqrnn_ends_with(const struct layer *layer, size_t b, size_t t)
{
	const struct hqrnn *own = layer->own;
	const int *lengths = layer->ragged ? *layer->lengths : NULL;
	return t + 1 == (size_t)(lengths != NULL ? lengths[b] : own->steps);
}

size_t hqrnn_carries(const struct layer *layer)
{
	const struct hqrnn *own = layer->own;
	return numbers_of(layer) + own->readouts;
}

void hqrnn_take_carried(struct layer *layer, double *z)
{
	struct hqrnn *own = layer->own;
	const struct carry *carry = *layer->carry;
	size_t n = (size_t)own->batch, numbers = numbers_of(layer);
	own->carried = false;
	for (size_t b = 0; carry != NULL && b < n; b++) {
		const double *state = carry->states + layer->carried * carry->streams + carry->first + b;
		size_t zeros = 0;
		for (; zeros < numbers && state[zeros * carry->streams] == 0.0; zeros++)
			;
		if (zeros == numbers) /* a fresh start */
			continue;
		own->carried = true;
		hybrid_set_state(own->cell, (int)b, state, carry->streams);
		for (size_t k = 0; k < own->readouts; k++)
			z[k * n + b] = state[(numbers + k) * carry->streams];
	}
}

void hqrnn_leave_carried(const struct layer *layer, const double *z)
{
	const struct hqrnn *own = layer->own;
	const struct carry *carry = *layer->carry;
	size_t n = (size_t)own->batch, numbers = numbers_of(layer);
	for (size_t b = 0; carry != NULL && b < n; b++) {
		double *state = carry->states + layer->carried * carry->streams + carry->first + b;
		hybrid_copy_state(own->cell, (int)b, state, carry->streams);
		for (size_t k = 0; k < own->readouts; k++)
			state[(numbers + k) * carry->streams] = z[k * n + b];
	}
}

void hqrnn_keep_ends(const struct layer *layer, size_t t)
{
	const struct hqrnn *own = layer->own;
	size_t n = (size_t)own->batch;
	for (size_t b = 0; own->ends != NULL && b < n; b++)
		if (hqrnn_ends_with(layer, b, t))
			hybrid_copy_state(own->cell, (int)b, own->ends + b, n);
}

void hqrnn_last_state(const struct layer *layer, double *rows)
{
	const struct hqrnn *own = layer->own;
	const int *lengths = layer->ragged ? *layer->lengths : NULL;
	size_t n = (size_t)own->batch, width = own->readouts + (size_t)layer->in.width, psi = numbers_of(layer) * n;
	memcpy(rows, own->ends, psi * sizeof *rows);
	for (size_t b = 0; b < n; b++) {
		size_t end = (size_t)(lengths != NULL ? lengths[b] : own->steps);
		for (size_t k = 0; k < own->readouts; k++)
			rows[psi + k * n + b] = own->u[(end * width + k) * n + b];
	}
}

void hqrnn_take_ends(const struct layer *layer, size_t t)
{
	const struct hqrnn *own = layer->own;
	const double *handed = layer->hands_over != NULL ? layer->hands_over->gradient : NULL;
	size_t n = (size_t)own->batch, psi = numbers_of(layer) * n;
	for (size_t b = 0; own->ends != NULL && b < n; b++) {
		if (!hqrnn_ends_with(layer, b, t))
			continue;
		hybrid_set_state(own->cell, (int)b, own->ends + b, n);
		hybrid_set_adjoint(own->cell, (int)b, handed != NULL ? handed + b : NULL, n);
		for (size_t k = 0; k < own->readouts; k++)
			own->d_z[k * n + b] = handed != NULL ? handed[psi + k * n + b] : 0.0;
	}
}

void hqrnn_hand_back(const struct layer *layer)
{
	const struct hqrnn *own = layer->own;
	size_t n = (size_t)own->batch, psi = numbers_of(layer) * n;
	if (layer->takes_over == NULL)
		return;
	double *gradient = layer->takes_over->gradient;
	for (size_t b = 0; b < n; b++)
		hybrid_copy_adjoint(own->cell, (int)b, gradient + b, n);
	memcpy(gradient + psi, own->d_z, own->readouts * n * sizeof *gradient);
}
