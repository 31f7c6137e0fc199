/* The wide plan's tables for one sample; see wide_state.h. */
#include <string.h>

#include "engine/circuit/wide/wide_state.h"
#include "engine/elementary/elementary.h"

static void make_diagonal(struct wide *self, const struct wide_strings *strings, const struct wide_diagonal *out)
{
	size_t low = (size_t)strings->n_low * WIDE_ROW, high = (size_t)strings->n_high * strings->n_rows;
	double *angles = self->work, *factors = self->work + low;
	wide_strings_tables(strings, self->angle, 1, angles, out->high_cos);
	for (size_t i = 0; i < low; i++) {
		double *at = factors + i / WIDE_ROW * 2 * WIDE_ROW + i % WIDE_ROW;
		elementary_cosine_sine(-angles[i] / 2, &at[0], &at[WIDE_ROW]);
	}
	self->kernels->narrow(out->low, factors, 2 * low);
	for (size_t i = 0; i < high; i++)
		elementary_cosine_sine(out->high_cos[i] / 2, &out->high_cos[i], &out->high_sin[i]);
}

/* The product state over the bits of a row, of a row's number in the first sweep's tiles, and of those tiles. */
static void make_product(struct wide *self)
{
	uint32_t active = self->circuit->sweeps[0].active, row = WIDE_ROW - 1;
	uint32_t all = (uint32_t)((1ull << self->circuit->n_bits) - 1);
	wide_product_forward(self->circuit, self->cosine, self->sine, self->bits);
	wide_product_expand(self->bits, row, self->work, self->work + WIDE_ROW);
	self->kernels->narrow(self->product_low, self->work, 2 * WIDE_ROW);
	wide_product_expand(self->bits, active & ~row, self->product_rows_re, self->product_rows_im);
	wide_product_expand(self->bits, all & ~active, self->product_tiles_re, self->product_tiles_im);
}

void wide_tables_angles(struct wide *self)
{
	for (int i = 0; i < self->circuit->n_slots; i++)
		elementary_cosine_sine(self->angle[i] / 2, &self->cosine[i], &self->sine[i]);
	for (int i = 0; i < self->circuit->n_sweeps; i++)
		make_diagonal(self, &self->circuit->sweeps[i].diagonal, &self->diagonals[i]);
	make_product(self);
}

void wide_tables_readout(struct wide *self, const double *cotangents, size_t stride)
{
	const struct wide_strings *readout = &self->circuit->readout;
	self->readout_numbers = cotangents;
	self->readout_stride = stride;
	wide_strings_tables(readout, cotangents, stride, self->work, self->readout_high);
	self->kernels->narrow(self->readout_low, self->work, (size_t)readout->n_low * WIDE_ROW);
}

void wide_state_clear_parts(struct wide *self)
{
	for (int p = 0; p < self->n_parts; p++) {
		struct wide_part *part = &self->parts[p];
		memset(part->gradient, 0, (size_t)self->circuit->n_slots * sizeof(double));
		memset(part->outputs, 0, (size_t)self->circuit->n_observables * sizeof(double));
		memset(part->low_re, 0, WIDE_ROW * sizeof(double));
		memset(part->low_im, 0, WIDE_ROW * sizeof(double));
		memset(part->rows_re, 0, self->n_rows * sizeof(double));
		memset(part->rows_im, 0, self->n_rows * sizeof(double));
	}
}

static void add(double *total, const double *part, size_t count)
{
	for (size_t i = 0; i < count; i++)
		total[i] += part[i];
}

void wide_state_contract(struct wide *self)
{
	struct wide_part *total = &self->parts[0];
	uint32_t active = self->circuit->sweeps[0].active, row = WIDE_ROW - 1;
	uint32_t all = (uint32_t)((1ull << self->circuit->n_bits) - 1);
	for (int p = 1; p < self->n_parts; p++) {
		add(total->low_re, self->parts[p].low_re, WIDE_ROW);
		add(total->low_im, self->parts[p].low_im, WIDE_ROW);
		add(total->rows_re, self->parts[p].rows_re, self->n_rows);
		add(total->rows_im, self->parts[p].rows_im, self->n_rows);
	}
	wide_product_contract(self->bits, row, total->low_re, total->low_im, self->work, self->cotangents);
	wide_product_contract(self->bits, active & ~row, total->rows_re, total->rows_im, self->work, self->cotangents);
	wide_product_contract(self->bits, all & ~active, self->tiles_re, self->tiles_im, self->work, self->cotangents);
	wide_product_backward(self->circuit, self->cosine, self->sine, self->bits, self->cotangents, self->gradient);
}
