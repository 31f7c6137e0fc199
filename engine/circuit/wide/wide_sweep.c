/* Sweeps of the wide plan over all tiles; see wide_state.h. */
#include <stdatomic.h>
#include <string.h>

#include "engine/circuit/wide/wide_place.h"
#include "engine/circuit/wide/wide_state.h"

struct sweep_job {
	struct wide *self;
	const struct wide_visit *visit;
	const struct wide_sweep *sweep;
	struct wide_rotation rotations[WIDE_TILE_BITS_MOST];
	atomic_size_t next_part;
};

/* A tile in a thread's hands. */
struct tile {
	const struct sweep_job *job;
	const struct wide_worker *worker;
	const struct wide_part *part;
	size_t number;
	uint32_t base;
	double scale;             /* what the worker's tiles remain to be multiplied by */
	struct wide_ahead *ahead; /* of the tile that the worker does next */
};

/* Lines of memory asked for at a block of a pass and at a row stored, so that they come one after the other: two states
 * are read backward, and a block takes three times as long. */
enum { AHEAD_FORWARD = 1, AHEAD_FORWARD_ROW = 8, AHEAD_BACKWARD = 3, AHEAD_BACKWARD_ROW = 4 };

/* A move of a tile that reads amplitude affine(k) for amplitude k; `read` and `written` say whether either end is the
 * state in memory. */
static struct wide_move plan_move(const struct tile *tile, const struct wide_affine *affine, bool read, bool written)
{
	uint32_t active = tile->job->sweep->active, rows = active >> WIDE_ROW_BITS << WIDE_ROW_BITS;
	uint32_t among = read ? UINT32_MAX : active;
	struct wide_move move = {.from = wide_place(wide_affine_apply(affine, tile->base), among),
	                         .to = written ? wide_place(tile->base, UINT32_MAX) : 0,
	                         .n_rows_log2 = tile->job->self->circuit->tile_bits - WIDE_ROW_BITS,
	                         .from_memory = read,
	                         .past_caches = written && tile->job->self->past_caches,
	                         .ahead = tile->ahead};
	for (int i = 0; i < move.n_rows_log2; i++, rows &= rows - 1) {
		move.from_row[i] = wide_place(affine->column[__builtin_ctz(rows)], among);
		move.to_row[i] = written ? wide_place(rows & -rows, UINT32_MAX) : 2u * WIDE_ROW << i;
	}
	for (int i = 0; i < WIDE_ROW_BITS; i++)
		move.from_low[i] = wide_place(affine->column[i], among);
	return move;
}

static void load(const struct tile *tile, const struct wide_affine *affine, const void *state, void *buffer)
{
	struct wide_move move = plan_move(tile, affine, true, false);
	tile->job->self->kernels->move(&move, state, buffer, 1.0);
}

static void store(const struct tile *tile, const struct wide_affine *affine, const void *buffer, void *state)
{
	struct wide_move move = plan_move(tile, affine, false, true);
	tile->job->self->kernels->move(&move, buffer, state, tile->scale);
}

static void rearrange(const struct tile *tile, const struct wide_affine *affine, const void *from, void *to)
{
	struct wide_move move = plan_move(tile, affine, false, false);
	tile->job->self->kernels->move(&move, from, to, 1.0);
}

/* The product state's factors in a tile. */
static struct wide_factors product_factors(const struct tile *tile)
{
	static const struct wide_group everything = {0, 0};
	const struct wide *self = tile->job->self;
	double re = self->product_tiles_re[tile->number], im = self->product_tiles_im[tile->number];
	for (size_t r = 0; r < self->n_rows; r++) {
		double a = self->product_rows_re[r], b = self->product_rows_im[r];
		tile->worker->rows_re[r] = re * a - im * b;
		tile->worker->rows_im[r] = re * b + im * a;
	}
	return (struct wide_factors){.n_groups = 1,
	                             .groups = &everything,
	                             .low = self->product_low,
	                             .rows = tile->worker->rows_re,
	                             .rows_im = tile->worker->rows_im};
}

static struct wide_factors diagonal_factors(const struct tile *tile)
{
	const struct wide *self = tile->job->self;
	const struct wide_strings *strings = &tile->job->sweep->diagonal;
	const struct wide_diagonal *tables = &self->diagonals[tile->job->visit->sweep];
	wide_strings_phases(strings, self->cosine, self->sine, tables->high_cos, tables->high_sin, tile->base,
	                    tile->worker->rows_re, tile->worker->rows_im);
	return (struct wide_factors){.n_groups = strings->n_low,
	                             .groups = strings->low,
	                             .base = tile->base,
	                             .low = tables->low,
	                             .rows = tile->worker->rows_re,
	                             .rows_im = tile->worker->rows_im};
}

static struct wide_factors readout_factors(const struct tile *tile)
{
	const struct wide_strings *readout = &tile->job->self->circuit->readout;
	return (struct wide_factors){.n_groups = readout->n_low,
	                             .groups = readout->low,
	                             .base = tile->base,
	                             .low = tile->job->self->readout_low,
	                             .rows = tile->worker->rows_re};
}

/* Sums for the groups of some strings, all zero. */
static struct wide_sums clear_sums(const struct tile *tile, const struct wide_strings *strings)
{
	memset(tile->worker->low, 0, (size_t)strings->n_low * WIDE_ROW * sizeof(double));
	memset(tile->worker->more_rows_re, 0, strings->n_rows * sizeof(double));
	return (struct wide_sums){tile->worker->low, tile->worker->more_rows_re};
}

static struct wide_work tile_work(const struct tile *tile, const struct wide_factors *diagonal)
{
	const struct wide_sweep *sweep = tile->job->sweep;
	return (struct wide_work){.rotations = tile->job->rotations,
	                          .n = sweep->n_turns,
	                          .diagonal = sweep->diagonal.n_strings > 0 ? diagonal : NULL,
	                          .ahead = tile->ahead};
}

static void forward(struct tile *tile)
{
	const struct sweep_job *job = tile->job;
	struct wide *self = job->self;
	if (job->visit->sweep == 0) {
		struct wide_factors product = product_factors(tile);
		bool mapped = job->sweep->has_in;
		self->kernels->fill(&product, mapped ? tile->worker->lambda : tile->worker->psi, self->n_rows);
		if (mapped)
			rearrange(tile, &job->sweep->in.inverse, tile->worker->lambda, tile->worker->psi);
	} else {
		load(tile, &job->sweep->in.inverse, self->psi, tile->worker->psi);
	}
	struct wide_factors diagonal = diagonal_factors(tile);
	struct wide_work work = tile_work(tile, &diagonal);
	tile->ahead->each = AHEAD_FORWARD;
	tile->scale = self->kernels->forward(&work, tile->worker->psi, self->n_rows);
	tile->ahead->each = AHEAD_FORWARD_ROW;
}

static void measure(const struct tile *tile)
{
	const struct wide *self = tile->job->self;
	struct wide_factors readout = readout_factors(tile);
	struct wide_sums sums = clear_sums(tile, &self->circuit->readout);
	self->kernels->measure(&readout, tile->worker->psi, self->n_rows, tile->scale * tile->scale, &sums);
	wide_strings_collect(&self->circuit->readout, tile->base, sums.low, sums.rows, tile->part->outputs);
}

static void seed_adjoint(const struct tile *tile)
{
	const struct wide *self = tile->job->self;
	struct wide_factors readout = readout_factors(tile);
	wide_strings_rows(&self->circuit->readout, self->readout_numbers, self->readout_stride, self->readout_high,
	                  tile->base, tile->worker->rows_re);
	self->kernels->seed_adjoint(&readout, tile->worker->psi, tile->worker->lambda, self->n_rows);
}

/* The rest of the adjoint: lambda against the product state. */
static void contract(const struct tile *tile)
{
	const struct wide *self = tile->job->self;
	const struct wide_part *part = tile->part;
	const double *mu_re = tile->worker->more_rows_re, *mu_im = tile->worker->more_rows_im;
	struct wide_factors product = product_factors(tile);
	const void *lambda = tile->worker->lambda;
	if (tile->job->sweep->has_in) {
		rearrange(tile, &tile->job->sweep->in.forward, lambda, tile->worker->psi);
		lambda = tile->worker->psi;
	}
	self->kernels->contract(&product, lambda, self->n_rows, tile->scale, part->low_re, part->low_im,
	                        tile->worker->more_rows_re, tile->worker->more_rows_im);
	double re = self->product_tiles_re[tile->number], im = self->product_tiles_im[tile->number];
	double all_re = 0.0, all_im = 0.0;
	for (size_t r = 0; r < self->n_rows; r++) {
		double u_re = self->product_rows_re[r], u_im = self->product_rows_im[r];
		part->rows_re[r] += re * mu_re[r] + im * mu_im[r];
		part->rows_im[r] += re * mu_im[r] - im * mu_re[r];
		all_re += u_re * mu_re[r] + u_im * mu_im[r];
		all_im += u_re * mu_im[r] - u_im * mu_re[r];
	}
	self->tiles_re[tile->number] = all_re;
	self->tiles_im[tile->number] = all_im;
}

static void backward(struct tile *tile)
{
	const struct sweep_job *job = tile->job;
	struct wide *self = job->self;
	double slopes[WIDE_TILE_BITS_MOST] = {0.0};
	if (!job->visit->forward) {
		load(tile, &job->sweep->out.forward, self->psi, tile->worker->psi);
		load(tile, &job->sweep->out.forward, self->lambda, tile->worker->lambda);
	}
	struct wide_factors diagonal = diagonal_factors(tile);
	struct wide_sums sums = clear_sums(tile, &job->sweep->diagonal);
	struct wide_work work = tile_work(tile, &diagonal);
	tile->ahead->each = AHEAD_BACKWARD;
	tile->scale = self->kernels->backward(&work, tile->scale, tile->worker->psi, tile->worker->lambda, self->n_rows,
	                                      slopes, &sums);
	tile->ahead->each = AHEAD_BACKWARD_ROW;
	wide_strings_collect(&job->sweep->diagonal, tile->base, sums.low, sums.rows, tile->part->gradient);
	for (int i = 0; i < job->sweep->n_turns; i++)
		tile->part->gradient[job->sweep->turns[i].slot] += slopes[i];
	if (job->visit->sweep == 0) {
		contract(tile);
		return;
	}
	/* After a turn-around memory still has psi. */
	if (!job->visit->forward)
		store(tile, &job->sweep->in.forward, tile->worker->psi, self->psi);
	store(tile, &job->sweep->in.forward, tile->worker->lambda, self->lambda);
}

static void run_tile(struct tile *tile)
{
	const struct sweep_job *job = tile->job;
	const struct wide_visit *visit = job->visit;
	if (visit->forward)
		forward(tile);
	if (visit->measure)
		measure(tile);
	if (visit->keep)
		store(tile, &job->sweep->out.inverse, tile->worker->psi, job->self->psi);
	if (visit->seed_adjoint)
		seed_adjoint(tile);
	if (visit->keep_lambda)
		store(tile, &job->sweep->out.inverse, tile->worker->lambda, job->self->lambda);
	if (visit->backward)
		backward(tile);
}

/* Of a tile whose base is given. Its rows lie where it will be written: a tile is read from no other ones. */
static struct wide_ahead plan_ahead(const struct sweep_job *job, uint32_t base)
{
	const struct wide *self = job->self;
	bool backward = !job->visit->forward;
	uint32_t rows = job->sweep->active >> WIDE_ROW_BITS << WIDE_ROW_BITS;
	size_t bytes = self->n_rows * 2 * WIDE_ROW * self->kernels->real_size;
	if (!self->past_caches || (job->visit->sweep == 0 && !backward))
		return (struct wide_ahead){.left = 0};
	struct wide_ahead ahead = {.states = {self->psi, backward ? self->lambda : NULL},
	                           .place = wide_place(base, UINT32_MAX),
	                           .left = bytes / 64 * (backward ? 2 : 1)};
	for (int i = 0; rows != 0; i++, rows &= rows - 1)
		ahead.row_step[i] = wide_place(rows & -rows, UINT32_MAX);
	return ahead;
}

/* Tiles from .. to - 1, which are a part. */
static void run_part(struct sweep_job *job, size_t worker, size_t part, size_t from, size_t to)
{
	struct wide *self = job->self;
	uint32_t outside = (uint32_t)((1ull << self->circuit->n_bits) - 1) & ~job->sweep->active;
	/* A worker that is alone goes on with the next part. */
	size_t last = self->team == NULL ? self->n_tiles - 1 : to - 1;
	for (size_t t = from; t < to; t++) {
		struct wide_ahead ahead =
		    t < last ? plan_ahead(job, wide_spread(t + 1, outside)) : (struct wide_ahead){.left = 0};
		struct tile tile = {.job = job,
		                    .worker = &self->workers[worker],
		                    .part = &self->parts[part],
		                    .number = t,
		                    .base = wide_spread(t, outside),
		                    .scale = 1.0,
		                    .ahead = &ahead};
		run_tile(&tile);
	}
}

/* Takes parts until none is left. */
static void run_worker(void *context, size_t worker, int member)
{
	struct sweep_job *job = context;
	struct wide *self = job->self;
	size_t parts = (size_t)self->n_parts, each = self->n_tiles / parts, p;
	(void)member;
	while ((p = atomic_fetch_add_explicit(&job->next_part, 1, memory_order_relaxed)) < parts)
		run_part(job, worker, p, p * each, (p + 1) * each);
}

void wide_sweep_run(struct wide *self, const struct wide_visit *visit)
{
	const struct wide_sweep *sweep = &self->circuit->sweeps[visit->sweep];
	struct sweep_job job = {.self = self, .visit = visit, .sweep = sweep};
	for (int i = 0; i < sweep->n_turns; i++) {
		int slot = sweep->turns[i].slot;
		uint32_t bit = wide_place(1u << sweep->turns[i].bit, sweep->active);
		job.rotations[i] = (struct wide_rotation){__builtin_ctz(bit), self->cosine[slot], self->sine[slot]};
	}
	atomic_init(&job.next_part, 0);
	team_run(self->team, run_worker, &job, (size_t)self->n_workers);
}
