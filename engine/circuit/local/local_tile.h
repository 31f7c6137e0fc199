/* A tile of samples: what a kernel of the local plan reads from the caller's arrays and writes to them. Included by
 * local_kernel.c only. */
#ifndef QLSTM_CIRCUIT_LOCAL_TILE_H
#define QLSTM_CIRCUIT_LOCAL_TILE_H

#include "engine/circuit/local/local_kernel.h"
#include "engine/circuit/encoder_slope.h"
#include "engine/circuit/lanes.h"
#include "engine/circuit/local/local_encode.h"

enum { LANES = LOCAL_ROW_BYTES / sizeof(real), ROW_VECTORS = LOCAL_ROW_BYTES / VECTOR_BYTES };

struct tile {
	const struct local_code *code;
	const struct local_call *call;
	char *rows;
	size_t first, used; /* samples; up to the end of a vector further lanes compute with zeros, those beyond idle */
	size_t widest;      /* lanes that any tile of the call uses, up to the end of a vector */
};

static inline real *row(const struct tile *tile, size_t index)
{
	return (real *)(void *)(tile->rows + index * LOCAL_ROW_BYTES);
}

/* Calls work on a tile, `used` being a constant for a full one. */
#define FULL_OR_NOT(work, tile) ((tile)->used == LANES ? (work)((tile), LANES) : (work)((tile), (tile)->used))

ALWAYS_INLINE void load_angles(const struct tile *tile, size_t used)
{
	const struct local_code *code = tile->code;
	for (int i = code->n_shared_angles; i < code->n_angles; i++) {
		const struct local_angle *angle = &code->angles[i];
		enum encoder encoder = angle->slot.angle.encoder;
		const double *from =
		    tile->call->features + (size_t)angle->slot.angle.index * tile->call->batch + tile->first;
		double more = angle->slot.weight >= 0 ? tile->call->weights[angle->slot.weight] : 0.0;
		real *cosines = row(tile, angle->cosine), *sines = row(tile, angle->sine);
		if (encoder == ENCODER_X && encode_fast(from, used, more, cosines, sines))
			continue;
		if (encoder == ENCODER_ATAN || encoder == ENCODER_ATAN_SQUARE)
			encode_atan(from, used, encoder == ENCODER_ATAN_SQUARE, cosines, sines);
		else
			encode_any(encoder, from, used, more, cosines, sines);
	}
}

ALWAYS_INLINE void store_outputs(const struct tile *tile, size_t used)
{
	const struct local_ports *results = &tile->code->results;
	for (int i = 0; i < results->count; i++) {
		const struct local_port *port = &results->at[i];
		const real *from = row(tile, port->row);
		double sign = port->sign;
		double *to = tile->call->outputs + (size_t)port->index * tile->call->batch + tile->first;
		UNROLL for (size_t l = 0; l < used; l += WIDTH64)
		{
			store64(to + l, sign * get(from + l), used - l);
		}
	}
}

ALWAYS_INLINE void load_cotangents(const struct tile *tile, size_t used)
{
	const struct local_ports *cotangents = &tile->code->cotangents;
	for (int i = 0; i < cotangents->count; i++) {
		const struct local_port *port = &cotangents->at[i];
		const double *from = tile->call->d_outputs + (size_t)port->index * tile->call->batch + tile->first;
		real *to = row(tile, port->row);
		UNROLL for (size_t l = 0; l < whole_vectors(used); l += WIDTH64)
		{
			put(to + l, load64(from + l, lanes_left(used, l)));
		}
	}
}

ALWAYS_INLINE void store_features(const struct tile *tile, size_t used)
{
	const struct local_ports *results = &tile->code->results;
	for (int i = 0; i < results->count; i++) {
		const struct local_port *port = &results->at[i];
		const real *from = row(tile, port->row);
		size_t offset = (size_t)port->index * tile->call->batch + tile->first;
		const double *x = tile->call->features + offset;
		double *to = tile->call->d_features + offset, sign = port->sign;
		UNROLL for (size_t l = 0; l < used; l += WIDTH64)
		{
			vec64 slope = sign * get(from + l);
			if (port->encoder != ENCODER_X)
				slope *= encoder_slope(port->encoder, load64(x + l, used - l));
			store64(to + l, load64(to + l, used - l) + slope, used - l);
		}
	}
}

#endif
