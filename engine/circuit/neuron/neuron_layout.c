/* The shape of a cell: its check, its parameters, its tables' places. */
#include "engine/circuit/neuron/neuron_layout.h"

#include <math.h>

static int check_range(const char *pointer, int value, int most, struct qlstm_error *error)
{
	if (value >= 1 && value <= most)
		return 0;
	return error_set(error, ERR_OUT_OF_RANGE, pointer, "%s is %d; allowed are 1 to %d", pointer + 1, value, most);
}

int neuron_check(const struct neuron_shape *shape, struct qlstm_error *error)
{
	int rc = check_range("/workspace", shape->workspace, NEURON_WORKSPACE_MOST, error);
	if (rc == 0)
		rc = check_range("/stages", shape->stages, NEURON_STAGES_MOST, error);
	if (rc == 0)
		rc = check_range("/order", shape->order, NEURON_ORDER_MOST, error);
	if (rc == 0)
		rc = check_range("/degree", shape->degree, NEURON_WORKSPACE_MOST + NEURON_BITS_MOST, error);
	if (rc == 0)
		rc = check_range("/input_bits", shape->input_bits, NEURON_BITS_MOST, error);
	if (rc == 0 && !isfinite(shape->bias))
		rc = error_set(error, ERR_OUT_OF_RANGE, "/bias", "bias is no finite number");
	return rc;
}

/* The mask of the source that stands at `place` in the order of the parameters. */
static uint32_t source_bit(int place, int workspace, int inout)
{
	int bit = place < workspace ? workspace - 1 - place : workspace + inout - 1 - (place - workspace);
	return 1u << bit;
}

size_t neuron_subsets(int workspace, int inout, int degree, uint32_t *masks)
{
	int n = workspace + inout, chosen[NEURON_WORKSPACE_MOST + NEURON_BITS_MOST];
	size_t count = 0;
	for (int size = 1; size <= degree && size <= n; size++) {
		for (int i = 0; i < size; i++)
			chosen[i] = i;
		for (int i = size - 1; i >= 0;) {
			uint32_t mask = 0;
			for (int k = 0; k < size; k++)
				mask |= source_bit(chosen[k], workspace, inout);
			if (masks != NULL)
				masks[count] = mask;
			count++;
			/* The next one: the last place that can move on does, those behind it follow. */
			for (i = size - 1; i >= 0 && chosen[i] == n - size + i;)
				i--;
			if (i < 0)
				break;
			chosen[i]++;
			for (int k = i + 1; k < size; k++)
				chosen[k] = chosen[k - 1] + 1;
		}
	}
	return count;
}

size_t neuron_weights(const struct neuron_shape *shape)
{
	return neuron_subsets(shape->workspace - 1, shape->input_bits, shape->degree, NULL);
}

size_t neuron_parameters(const struct neuron_shape *shape)
{
	size_t w = (size_t)shape->workspace, s = (size_t)shape->stages, i = (size_t)shape->input_bits;
	return (w + s * w + i) * (neuron_weights(shape) + 1) + s * w;
}

static size_t table_size(const struct neuron_layout *layout, size_t lane)
{
	return neuron_is_far(layout, lane) ? layout->row : 2 * layout->row;
}

size_t neuron_table(const struct neuron_layout *layout, size_t word, size_t neuron)
{
	size_t lanes = (size_t)layout->shape.workspace, at = word * layout->word_size;
	size_t turns = (size_t)layout->shape.stages + 1;
	at += neuron / lanes * (layout->word_size / turns);
	for (size_t lane = 0; lane < neuron % lanes; lane++)
		at += table_size(layout, lane);
	return at;
}

struct neuron_layout neuron_layout(const struct neuron_shape *shape, size_t lanes)
{
	struct neuron_layout layout = {.shape = *shape, .lanes = lanes};
	size_t w = (size_t)shape->workspace, s = (size_t)shape->stages;
	layout.amplitudes = (size_t)1 << w;
	layout.row = layout.amplitudes > lanes ? layout.amplitudes : lanes;
	layout.words = (size_t)1 << shape->input_bits;
	layout.neurons = w + s * w;
	layout.nodes = layout.words - 1;
	for (size_t lane = 0; lane < w; lane++)
		layout.word_size += (s + 1) * table_size(&layout, lane);
	layout.at_rotations = layout.words * layout.word_size;
	layout.at_output = layout.at_rotations + s * w * 2 * lanes;
	layout.size = layout.at_output + layout.nodes * 2 * layout.row;
	return layout;
}
