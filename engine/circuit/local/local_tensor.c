/* Tensor steps of the local plan; see local_tensor.h. */
#include "engine/circuit/local/local_tensor.h"

#include <string.h>

static local_ref signed_ref(local_ref value, bool negative)
{
	return negative ? local_ref_negate(value) : value;
}

static local_ref *element(const struct local_tensor *tensor, enum local_letter letter, size_t digits)
{
	return &tensor->values[((size_t)letter << (2 * tensor->n_bonds)) + digits];
}

/* The digits with one more, `digit`, at place `position`. */
static size_t insert(size_t digits, int position, size_t digit)
{
	size_t low = digits & (((size_t)1 << (2 * position)) - 1);
	return (digits - low) << 2 | digit << (2 * position) | low;
}

/* A bond's value: the probe bits of side 0 and of side 1. */
static size_t bond_value(int side, bool near, bool far)
{
	return side == 0 ? (size_t)near | (size_t)far << 1 : (size_t)far | (size_t)near << 1;
}

/* This side's share of the gate's sign; `before` is the letter that the gate acts on. */
static bool sign_of(const struct local_gate *gate, int side, enum local_letter before)
{
	return ((before & gate->sides[side].flip) != 0) != (side == 0 && gate->differs);
}

void local_tensor_rotate(struct local_graph *graph, struct local_tensor *tensor, const struct local_gate *gate,
                         enum local_time time)
{
	local_ref c = gate->cosine, s = time == TIME_FORWARD ? gate->sine : local_ref_negate(gate->sine);
	for (size_t i = 0; i < local_tensor_size(1, tensor->n_bonds); i++) {
		local_ref *first = element(tensor, local_mixes[gate->axis].first, i);
		local_ref *second = element(tensor, local_mixes[gate->axis].second, i);
		local_ref a = *first, b = *second;
		/* One after the other: arguments of a call may be evaluated in any order, and the order of the nodes
		 * decides in which order the instructions stand. */
		local_ref less = local_ref_negate(local_graph_multiply(graph, s, b));
		*first = local_graph_add(graph, local_graph_multiply(graph, c, a), less);
		local_ref more = local_graph_multiply(graph, c, b);
		*second = local_graph_add(graph, local_graph_multiply(graph, s, a), more);
	}
}

void local_tensor_open(struct local_tensor *out, const struct local_tensor *tensor, const struct local_gate *gate,
                       int bond, int side, enum local_time time)
{
	int position = 0;
	while (position < tensor->n_bonds && tensor->bonds[position] < bond)
		position++;
	out->n_letters = LETTERS;
	out->n_bonds = tensor->n_bonds + 1;
	memmove(out->bonds, tensor->bonds, (size_t)position * sizeof *out->bonds);
	memmove(out->bonds + position + 1, tensor->bonds + position,
	        (size_t)(tensor->n_bonds - position) * sizeof *out->bonds);
	out->bonds[position] = bond;
	memset(out->values, 0, local_tensor_size(LETTERS, out->n_bonds) * sizeof *out->values);
	const struct local_side *here = &gate->sides[side];
	for (int letter = 0; letter < LETTERS; letter++)
		for (int far = 0; far < 2; far++) {
			enum local_letter from = (enum local_letter)letter;
			enum local_letter to = from ^ (far ? here->flip : LETTER_I);
			bool near = (from & here->probe) != 0;
			bool negative = near && far && sign_of(gate, side, time == TIME_FORWARD ? from : to);
			size_t value = bond_value(side, near, far);
			for (size_t i = 0; i < local_tensor_size(1, tensor->n_bonds); i++)
				*element(out, to, insert(i, position, value)) =
				    signed_ref(*element(tensor, from, i), negative);
		}
}

void local_tensor_close(struct local_graph *graph, struct local_tensor *out, const struct local_tensor *tensor,
                        const struct local_gate *gate, int bond, int side, enum local_time time)
{
	int position = 0;
	while (tensor->bonds[position] != bond)
		position++;
	out->n_letters = LETTERS;
	out->n_bonds = tensor->n_bonds - 1;
	memmove(out->bonds, tensor->bonds, (size_t)position * sizeof *out->bonds);
	memmove(out->bonds + position, tensor->bonds + position + 1,
	        (size_t)(out->n_bonds - position) * sizeof *out->bonds);
	const struct local_side *here = &gate->sides[side];
	for (int letter = 0; letter < LETTERS; letter++) {
		enum local_letter to = (enum local_letter)letter, from = to ^ here->flip;
		bool near = (to & here->probe) != 0;
		bool negative = near && sign_of(gate, side, time == TIME_FORWARD ? from : to);
		for (size_t i = 0; i < local_tensor_size(1, out->n_bonds); i++) {
			local_ref unset = *element(tensor, to, insert(i, position, bond_value(side, near, false)));
			local_ref set = *element(tensor, from, insert(i, position, bond_value(side, near, true)));
			*element(out, to, i) = local_graph_add(graph, unset, signed_ref(set, negative));
		}
	}
}

/* Merges the bonds; places[k] is where the tensor's k-th went, and in `taken` the places that the other's took. */
static void merge_bonds(struct local_tensor *out, const struct local_tensor *tensor, const struct local_tensor *other,
                        int *places, int *other_places)
{
	int i = 0, j = 0;
	out->n_bonds = tensor->n_bonds + other->n_bonds;
	for (int k = 0; k < out->n_bonds; k++) {
		bool mine = j == other->n_bonds || (i < tensor->n_bonds && tensor->bonds[i] < other->bonds[j]);
		out->bonds[k] = mine ? tensor->bonds[i] : other->bonds[j];
		if (mine)
			places[i++] = k;
		else
			other_places[j++] = k;
	}
}

static size_t spread(size_t digits, int n_bonds, const int *places)
{
	size_t result = 0;
	for (int k = 0; k < n_bonds; k++)
		result |= (digits >> (2 * k) & 3) << (2 * places[k]);
	return result;
}

void local_tensor_join(struct local_graph *graph, struct local_tensor *out, const struct local_tensor *tensor,
                       const struct local_tensor *other)
{
	int places[LOCAL_BONDS_MAX], other_places[LOCAL_BONDS_MAX];
	merge_bonds(out, tensor, other, places, other_places);
	out->n_letters = tensor->n_letters;
	for (int letter = 0; letter < tensor->n_letters; letter++)
		for (size_t i = 0; i < local_tensor_size(1, tensor->n_bonds); i++) {
			local_ref factor = *element(tensor, (enum local_letter)letter, i);
			size_t base = spread(i, tensor->n_bonds, places);
			for (size_t j = 0; j < local_tensor_size(1, other->n_bonds); j++)
				*element(out, (enum local_letter)letter,
				         base | spread(j, other->n_bonds, other_places)) =
				    local_graph_multiply(graph, factor, other->values[j]);
		}
}

void local_tensor_fold(struct local_graph *graph, struct local_tensor *out, const struct local_tensor *tensor,
                       const local_ref weights[LETTERS])
{
	out->n_letters = 1;
	out->n_bonds = tensor->n_bonds;
	memmove(out->bonds, tensor->bonds, (size_t)tensor->n_bonds * sizeof *out->bonds);
	for (size_t i = 0; i < local_tensor_size(1, tensor->n_bonds); i++) {
		local_ref sum = LOCAL_ZERO;
		for (int letter = 0; letter < LETTERS; letter++) {
			local_ref value = *element(tensor, (enum local_letter)letter, i);
			sum = local_graph_add(graph, sum, local_graph_multiply(graph, weights[letter], value));
		}
		out->values[i] = sum;
	}
}

/* In halves, so that the sums do not wait for one another. */
static local_ref dot(struct local_graph *graph, const local_ref *a, const local_ref *b, size_t count)
{
	if (count == 1)
		return local_graph_multiply(graph, *a, *b);
	size_t half = count / 2;
	local_ref low = dot(graph, a, b, half);
	return local_graph_add(graph, low, dot(graph, a + half, b + half, count - half));
}

local_ref local_tensor_dot(struct local_graph *graph, const struct local_tensor *a, const struct local_tensor *b)
{
	return dot(graph, a->values, b->values, local_tensor_size(1, a->n_bonds));
}
