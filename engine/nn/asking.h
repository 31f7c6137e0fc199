/* Attention that stands in front of a recurrent layer (layer/attention.c, QUERY_BEFORE): before each of its steps the
 * layer asks with what it gave in the step before, and finds the context in its input of the step. */
#ifndef QLSTM_NN_ASKING_H
#define QLSTM_NN_ASKING_H

#include <stddef.h>

struct layer;

struct asking {
	/* Before step t: query [rows that the recurrent layer gives][batch]. */
	void (*ask)(struct layer *attention, size_t t, const double *query);
	/* When step t was taken back: d_x [rows of its input][batch]; what reaches the query is added to d_query. */
	void (*ask_back)(struct layer *attention, size_t t, const double *d_x, double *d_query);
};

#endif
