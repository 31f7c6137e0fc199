/* The batch plan's inner loops. The samples of a tile lie innermost, so that every gate is the same arithmetic on whole
 * vectors: no shuffles, and every wire costs the same. Compiled once per instruction set, whose
 * name -DKERNEL_ISA gives, and once more for float32 (batch_kernel_f32.c). */
#include "engine/circuit/batch/batch_collect.h"
#include "engine/circuit/batch/batch_complex.h"
#include "engine/circuit/batch/batch_load.h"
#include "engine/circuit/batch/batch_measure.h"
#include "engine/circuit/batch/batch_pack.h"
#include "engine/circuit/batch/batch_product.h"
#include "engine/circuit/batch/batch_steps.h"

#include <string.h>

static void clear_features(const struct tile *tile)
{
	memset(tile->memory->gradient, 0, (size_t)tile->circuit->n_feature_slots * tile->tiles * sizeof(vec));
}

/* One tile, one set of weights. */

ALWAYS_INLINE void prepare(const struct tile *tile, int n, bool first_set)
{
	const struct batch_circuit *circuit = tile->circuit;
	void **states = tile->states;
	if (first_set || !circuit->prefix_shared) {
		if (circuit->joined)
			real_halves(tile, n);
		else if (circuit->prefix_parts == 1)
			real_product(tile, n, states[0]);
		else
			complex_product(tile, n, states[0]);
	}
	if (tile->replayed)
		return;
	if (circuit->joined)
		joined_forward(tile, n, states[1]);
	for (int i = circuit->joined; i < circuit->n_steps; i++)
		step_forward(tile, n, &circuit->steps[i], states[i], states[i + 1]);
}

ALWAYS_INLINE void backpropagate(const struct tile *tile, int n)
{
	const struct batch_circuit *circuit = tile->circuit;
	void **states = tile->states;
	for (int i = circuit->n_steps - 1; i >= circuit->joined; i--) {
		const struct batch_step *step = &circuit->steps[i];
		bool rotates = batch_step_rotates(step);
		if (step->undone && !rotates)
			step_undo(tile, n, step, states[i]);
		step_backward(tile, n, step, states[rotates ? i + 1 : i], tile->memory->lambda);
	}
}

/* A prefix without weights is the same for all sets: its gradient is that of the sum of their lambdas, or of these
 * contracted with its halves. */
ALWAYS_INLINE void finish(const struct tile *tile, int n, int set, int n_sets)
{
	const struct batch_circuit *circuit = tile->circuit;
	vec *lambda = tile->memory->lambda, *sum = tile->memory->lambda_sum;
	size_t size = (size_t)1 << n, parts = (size_t)circuit->prefix_parts;
	if (circuit->joined) {
		joined_backward(tile, n, set == 0 || !circuit->prefix_shared, tile->memory->lambda);
		if (set + 1 == n_sets || !circuit->prefix_shared)
			real_halves_backward(tile, n);
		return;
	}
	if (circuit->prefix_shared && n_sets > 1) {
		RUNS(first, size)
		{
			vec *to = sum + parts * batch_place(first), *from = lambda + parts * batch_place(first);
			for (size_t k = 0; k < parts * run_length(size); k++)
				to[k] = set == 0 ? from[k] : to[k] + from[k];
		}
		if (set + 1 < n_sets)
			return;
		lambda = sum;
	}
	if (circuit->prefix_parts == 1)
		real_product_backward(tile, n, lambda);
	else
		complex_product_backward(tile, n, (struct amplitude *)lambda);
}

/* The states of a tile's record; the one before all steps is not kept. A tile of which nothing is kept works where the
 * first one's are: forward comes there before that one, and backward after it. */
static inline void place_record(const struct tile *tile, size_t set, size_t sets)
{
	const struct batch_memory *memory = tile->memory;
	bool kept = tile->at < tile->recorded;
	char *record =
	    kept ? tile->records + (tile->at * sets + set) * memory->record : tile->spare + set * memory->record;
	for (int i = 1; i <= tile->circuit->n_steps; i++)
		memory->record_states[i] = record + memory->record_at[i];
}

ALWAYS_INLINE void run_tile(struct tile *tile, int n, const struct batch_call *call)
{
	size_t outputs = (size_t)tile->circuit->n_observables * call->batch;
	if (tile->circuit->featured)
		load_lanes(tile);
	for (int set = 0; set < call->n_sets; set++) {
		tile->set =
		    tile->packed > 0 ? &tile->memory->packed[tile->at & (tile->packed - 1)] : &tile->memory->sets[set];
		if (tile->spare != NULL)
			place_record(tile, (size_t)set, (size_t)call->n_sets);
		prepare(tile, n, set == 0);
		if (call->outputs != NULL) {
			measure(tile, n, call->outputs + (size_t)set * outputs, call->batch);
			continue;
		}
		measure_backward(tile, n, call->d_outputs + (size_t)set * outputs, call->batch);
		backpropagate(tile, n);
		finish(tile, n, set, call->n_sets);
	}
}

static void run_any(struct tile *tile, const struct batch_call *call)
{
	int n = tile->circuit->n_wires;
	if (n < 5)
		__builtin_unreachable();
	run_tile(tile, n, call);
}

#define RUN(n)                                                                                                         \
	static void run_##n(struct tile *tile, const struct batch_call *call)                                          \
	{                                                                                                              \
		run_tile(tile, n, call);                                                                               \
	}

CONSTANT_WIRES(RUN)

static void (*const runs[])(struct tile *tile, const struct batch_call *call) = {
#define RUN_ROW(n) [n] = run_##n,
    CONSTANT_WIRES(RUN_ROW)
#undef RUN_ROW
};

/* Whether the last tiles come first. */
static bool turned(const struct batch_call *call)
{
	return call->kept != NULL && call->outputs != NULL;
}

/* Of `tile`, whose features are loaded: all of those that they are loaded for. */
static void run_loaded(struct tile *tile, const struct batch_call *call, size_t first, size_t end)
{
	bool constant = (size_t)tile->circuit->n_wires < sizeof runs / sizeof *runs;
	for (size_t k = 0; k < tile->tiles; k++) {
		tile->at = turned(call) ? tile->tiles - 1 - k : k;
		tile->replayed = call->outputs == NULL && tile->at < tile->recorded;
		tile->first = first + tile->at * WIDTH;
		tile->piece = tile->at % PIECES;
		tile->used = end - tile->first < WIDTH ? end - tile->first : WIDTH;
		(constant ? runs[tile->circuit->n_wires] : run_any)(tile, call);
	}
	tile->first = first;
	tile->at = 0;
}

/* Every field by itself: clearing them first takes longer. */
static inline struct tile tile_new(const struct batch_circuit *circuit, struct batch_memory *memory,
                                   const struct batch_call *call)
{
	return (struct tile){.circuit = circuit,
	                     .memory = memory,
	                     .set = memory->sets,
	                     .states = call->kept != NULL      ? memory->record_states
	                               : call->outputs != NULL ? memory->states
	                                                       : memory->kept_states,
	                     .cosine = memory->cosine,
	                     .sine = memory->sine,
	                     .records = NULL,
	                     .spare = NULL,
	                     .recorded = 0,
	                     .replayed = false,
	                     .first = 0,
	                     .used = 0,
	                     .at = 0,
	                     .tiles = 0,
	                     .piece = 0,
	                     .packed = call->packed};
}

/* Bytes that are kept of a tile. */
static size_t kept_each(const struct batch_circuit *circuit, const struct batch_memory *memory, int sets)
{
	return 2 * (size_t)circuit->n_feature_slots * sizeof(vec) + (size_t)sets * memory->record;
}

/* The samples of a group, whose features are loaded together: from `first` on, before `end`. */
static void run_group(struct tile *tile, const struct batch_call *call, size_t first, size_t end)
{
	const struct batch_circuit *circuit = tile->circuit;
	size_t samples = end - first < BATCH_ROWS * VIRTUAL_LANES ? end - first : BATCH_ROWS * VIRTUAL_LANES;
	size_t before = first / WIDTH, left = before < call->kept_tiles ? call->kept_tiles - before : 0;
	tile->first = first;
	tile->tiles = (samples + WIDTH - 1) / WIDTH;
	tile->recorded = left < tile->tiles ? left : tile->tiles;
	place_features(tile, left > 0 ? call->kept + before * kept_each(circuit, tile->memory, call->n_sets) : NULL);
	if (left == 0 || call->outputs != NULL)
		load_features(tile, call, samples);
	if (call->d_outputs != NULL)
		clear_features(tile);
	for (int set = 0; set < call->n_sets && call->d_outputs != NULL; set++)
		clear_set(circuit, &tile->memory->sets[set], tile_pieces(tile));
	run_loaded(tile, call, first, end);
	if (call->d_features != NULL)
		store_features(tile, call, samples);
	for (int set = 0; set < call->n_sets && call->d_weights != NULL; set++)
		total_set(circuit, &tile->memory->sets[set], tile_pieces(tile));
}

/* Samples 0 .. end - 1, set by set. */
static void run_sets(const struct batch_circuit *circuit, struct batch_memory *memory, const struct batch_call *call,
                     size_t end)
{
	struct tile tile = tile_new(circuit, memory, call);
	size_t each = BATCH_ROWS * VIRTUAL_LANES, groups = (end + each - 1) / each;
	if (call->kept != NULL) {
		size_t tiles = (end + WIDTH - 1) / WIDTH, first = groups > 1 ? each / WIDTH : tiles;
		tile.spare = call->kept + 2 * (size_t)circuit->n_feature_slots * first * sizeof(vec);
	}
	for (size_t k = 0; k < groups; k++)
		run_group(&tile, call, (turned(call) ? groups - 1 - k : k) * each, end);
}

static void run_packed(const struct batch_circuit *circuit, struct batch_memory *memory, const struct pack *pack,
                       char *kept)
{
	struct batch_call packed = pack_call(circuit, memory, pack);
	packed.kept = kept;
	struct tile tile = tile_new(circuit, memory, &packed);
	tile.tiles = pack->tiles;
	tile.recorded = kept != NULL ? pack->tiles : 0;
	place_features(&tile, kept);
	tile.spare = tile.records;
	if (kept == NULL || packed.outputs != NULL)
		pack_features(&tile, pack);
	if (packed.d_outputs != NULL) {
		clear_features(&tile);
		clear_set(circuit, &memory->packed[0], tile_pieces(&tile));
	}
	run_loaded(&tile, &packed, 0, packed.batch);
	if (packed.outputs != NULL) {
		pack_out(circuit, memory, pack);
		return;
	}
	if (pack->call->d_features != NULL)
		pack_slopes(circuit, memory, pack);
	if (pack->call->d_weights != NULL)
		store_packed(circuit, memory, pack);
}

/* The samples before `end`, with the totals of their gradients. */
static void run_whole(const struct batch_circuit *circuit, struct batch_memory *memory, const struct batch_call *call,
                      size_t end)
{
	size_t slots = (size_t)(circuit->n_slots - circuit->n_feature_slots);
	load_sets(circuit, memory, call);
	for (int set = 0; set < call->n_sets && call->d_weights != NULL; set++)
		memset(memory->sets[set].totals, 0, slots * sizeof(double));
	run_sets(circuit, memory, call, end);
	for (int set = 0; set < call->n_sets && call->d_weights != NULL; set++)
		store_weights(circuit, &memory->sets[set], call->d_weights + (size_t)set * call->weights_per_set);
}

/* Packed tiles are the last ones; they are kept where all others are. */
static void run(const struct batch_circuit *circuit, struct batch_memory *memory, const struct batch_call *call)
{
	struct pack pack = pack_choose(memory, call);
	size_t whole = (pack.first + WIDTH - 1) / WIDTH;
	char *kept = NULL;
	if (call->kept != NULL && call->kept_tiles > whole)
		kept = call->kept + whole * kept_each(circuit, memory, call->n_sets);
	if (pack.samples > 0 && turned(call))
		run_packed(circuit, memory, &pack, kept);
	if (pack.first > 0)
		run_whole(circuit, memory, call, pack.first);
	if (pack.samples > 0 && !turned(call))
		run_packed(circuit, memory, &pack, kept);
}

#ifdef KERNEL_FLOAT32
#define TABLE_NAME(isa) batch_kernels_f32_##isa
#else
#define TABLE_NAME(isa) batch_kernels_##isa
#endif
#define TABLE(isa) TABLE_NAME(isa)

extern const struct batch_kernels TABLE(KERNEL_ISA);

const struct batch_kernels TABLE(KERNEL_ISA) = {
    .row_bytes = VECTOR_BYTES,
    .number_bytes = sizeof(real),
    .forward = run,
    .backward = run,
};
