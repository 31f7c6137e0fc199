/* How a batch is cut into slices, and what a pass takes then; see pass.h. */
#include "engine/train/pass_state.h"

/* Samples evaluated in one go when nothing is trained and the batch is smaller. */
#define EVALUATION_BATCH 64
/* A slice is worth the hand-over when it takes this long, by the model's estimate. */
#define SLICE_SECONDS 100e-6
/* Samples over which products of classical layers are as fast as they get: weights are read once for all of them.
 * Measured: lstm of hidden size 64 and 256 (engine/train/README.md). */
#define PRODUCT_SAMPLES 64
/* What the slices' gradients may take, unless that is less than two of them. */
#define GRADIENTS_BYTES ((size_t)256 << 20)

/* Slices that there may be of a model with so many parameters. */
static size_t slices_most(size_t parameters)
{
	size_t most = GRADIENTS_BYTES / (sizeof(double) * (parameters + 1));
	most = most > 2 ? most : 2;
	return most < SLICES_MAX ? most : SLICES_MAX;
}

size_t slices_size(struct model *model, int steps, int batch, bool training)
{
	double seconds = 0.0;
	model_estimate(model, steps, batch, &seconds, NULL);
	double slices = seconds / SLICE_SECONDS;
	size_t lanes = (size_t)model_batch_multiple(model), most = slices_most(params_elements(model_params(model)));
	size_t n = (size_t)batch;
	if (n >= 2 * PRODUCT_SAMPLES && most > n / PRODUCT_SAMPLES && model_is_classical(model, steps, batch))
		most = n / PRODUCT_SAMPLES;
	size_t count = slices < (double)most ? (size_t)slices : most;
	if (count < 2 || model_shares_samples(model) || (training && model_wants_whole_batches(model)))
		return n;
	return ((n + count - 1) / count + lanes - 1) / lanes * lanes;
}

int slices_evaluation_batch(int batch)
{
	return batch < EVALUATION_BATCH ? EVALUATION_BATCH : batch;
}

size_t pass_held(struct model *model, int steps, int batch)
{
	return larger(slices_size(model, steps, batch, true),
	              slices_size(model, steps, slices_evaluation_batch(batch), false));
}

size_t pass_bytes(struct model *model, int steps, int batch, int threads)
{
	size_t parameters = params_elements(model_params(model)), held = pass_held(model, steps, batch);
	size_t slice = slices_size(model, steps, batch, true), slices = ((size_t)batch + slice - 1) / slice;
	bool cut = slices > 1 || held < (size_t)slices_evaluation_batch(batch);
	return model_bytes(model, steps, (int)held * (cut ? threads : 1), threads) +
	       (slices - 1) * parameters * sizeof(double);
}
