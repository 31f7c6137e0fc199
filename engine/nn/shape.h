/* What flows from one layer to the next.
 *
 * A sequence is [steps][width][batch], a vector [width][batch], the batch innermost; both hold float64. Tokens are
 * whole numbers from 0 on that stand for words or characters: they can be looked up, not multiplied. */
#ifndef QLSTM_NN_SHAPE_H
#define QLSTM_NN_SHAPE_H

enum shape_values { SHAPE_REALS, SHAPE_TOKENS };
enum shape_form { SHAPE_SEQUENCE, SHAPE_VECTOR };

struct shape {
	enum shape_values values;
	enum shape_form form;
	int width; /* rows of a step, or of the vector */
};

/* How often `width` rows stand one behind the other, for windows of `steps`: a vector is one frame. */
static inline int shape_frames(struct shape shape, int steps)
{
	return shape.form == SHAPE_SEQUENCE ? steps : 1;
}

#endif
