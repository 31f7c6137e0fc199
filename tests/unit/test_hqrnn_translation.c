/* A golden value of the hybrid cell from sequence to sequence: encoder and decoder share one state, soft attention and
 * controllers are written here; and the same by the layers. Source: the reference of this project (a plain scalar
 * program). */
#include "tests/unit/hqrnn_fixture.h"

#include "tests/unit/decoder_fixture.h"
#include "tests/unit/hybrid_fixture.h"

enum { M = 9, A = 9, H = 4, D = 2, DA = 3, S = 3, T = 3, WORDS = 6, ENC_IN = M + D, DEC_IN = M + D + M };

/* Where things stand in the vector of parameters. */
enum {
	E_SRC = 0,
	E_TGT = 10,
	ENC = 22,
	DEC = 163,
	WQ = 376,
	WK = 403,
	BA = 430,
	V_ATT = 433,
	V_OUT = 436,
	C_OUT = 544,
	PARAMETERS = 550
};

/* What one step of a controller leaves; [in] at most DEC_IN. */
struct control {
	double u[DEC_IN], value[H], gate[H], h[H], theta[A];
};

static void control(const double *p, int first, int n_in, struct control *step)
{
	const double *w1 = p + first, *b1 = w1 + 2 * H * n_in, *w2 = b1 + 2 * H, *b2 = w2 + A * H;
	for (int k = 0; k < H; k++) {
		double value = b1[k], gate = b1[H + k];
		for (int j = 0; j < n_in; j++) {
			value += w1[k * n_in + j] * step->u[j];
			gate += w1[(H + k) * n_in + j] * step->u[j];
		}
		step->value[k] = value;
		step->gate[k] = 1.0 / (1.0 + exp(-gate));
		step->h[k] = value * step->gate[k];
	}
	for (int a = 0; a < A; a++) {
		step->theta[a] = b2[a];
		for (int k = 0; k < H; k++)
			step->theta[a] += w2[a * H + k] * step->h[k];
	}
}

static void control_back(const double *p, int first, int n_in, const struct control *step, const double *d_theta,
                         double *g, double *d_u)
{
	const double *w1 = p + first, *w2 = w1 + 2 * H * n_in + 2 * H;
	double *g1 = g + first, *gb1 = g1 + 2 * H * n_in, *g2 = gb1 + 2 * H, *gb2 = g2 + A * H;
	memset(d_u, 0, (size_t)n_in * sizeof *d_u);
	for (int a = 0; a < A; a++)
		gb2[a] += d_theta[a];
	for (int k = 0; k < H; k++) {
		double dh = 0.0;
		for (int a = 0; a < A; a++) {
			dh += w2[a * H + k] * d_theta[a];
			g2[a * H + k] += d_theta[a] * step->h[k];
		}
		double rows[2] = {dh * step->gate[k], dh * step->value[k] * step->gate[k] * (1.0 - step->gate[k])};
		for (int half = 0; half < 2; half++) {
			gb1[half * H + k] += rows[half];
			for (int j = 0; j < n_in; j++) {
				g1[(half * H + k) * n_in + j] += rows[half] * step->u[j];
				d_u[j] += w1[(half * H + k) * n_in + j] * rows[half];
			}
		}
	}
}

struct translation {
	double p[PARAMETERS], g[PARAMETERS];
	struct control enc[S], dec[T];
	double z_enc[S + 1][M], z_dec[T + 1][M], alpha[T][S], tau[T][S][DA], ctx[T][M], logits[T][WORDS];
	double d_logits[T][WORDS], d_enc[S + 1][M], d_dec[M];
};

static const int source[S] = {1, 4, 2}, given[T] = {0, 3, 5}, wanted[T] = {3, 5, 1};

static void attend(struct translation *tr, int t)
{
	double scores[S], sum = 0.0;
	for (int j = 0; j < S; j++) {
		scores[j] = 0.0;
		for (int a = 0; a < DA; a++) {
			double pre = tr->p[BA + a];
			for (int k = 0; k < M; k++)
				pre += tr->p[WQ + a * M + k] * tr->z_dec[t][k] +
				       tr->p[WK + a * M + k] * tr->z_enc[j + 1][k];
			tr->tau[t][j][a] = tanh(pre);
			scores[j] += tr->p[V_ATT + a] * tr->tau[t][j][a];
		}
		sum += exp(scores[j]);
	}
	memset(tr->ctx[t], 0, sizeof tr->ctx[t]);
	for (int j = 0; j < S; j++) {
		tr->alpha[t][j] = exp(scores[j]) / sum;
		for (int k = 0; k < M; k++)
			tr->ctx[t][k] += tr->alpha[t][j] * tr->z_enc[j + 1][k];
	}
}

static void translate(struct translation *tr, struct hybrid_cell *cell)
{
	hybrid_start(cell, 1);
	for (int k = 0; k < M; k++)
		tr->z_enc[0][k] = k % 3 == 2 ? 1.0 : 0.0;
	for (int t = 0; t < S; t++) {
		memcpy(tr->enc[t].u, tr->z_enc[t], M * sizeof(double));
		memcpy(tr->enc[t].u + M, tr->p + E_SRC + D * source[t], D * sizeof(double));
		control(tr->p, ENC, ENC_IN, &tr->enc[t]);
		hybrid_step(cell, tr->enc[t].theta, tr->z_enc[t + 1]);
	}
	memcpy(tr->z_dec[0], tr->z_enc[S], M * sizeof(double));
	for (int t = 0; t < T; t++) {
		attend(tr, t);
		memcpy(tr->dec[t].u, tr->z_dec[t], M * sizeof(double));
		memcpy(tr->dec[t].u + M, tr->p + E_TGT + D * given[t], D * sizeof(double));
		memcpy(tr->dec[t].u + M + D, tr->ctx[t], M * sizeof(double));
		control(tr->p, DEC, DEC_IN, &tr->dec[t]);
		hybrid_step(cell, tr->dec[t].theta, tr->z_dec[t + 1]);
		for (int w = 0; w < WORDS; w++) {
			tr->logits[t][w] = tr->p[C_OUT + w];
			for (int k = 0; k < M; k++)
				tr->logits[t][w] += tr->p[V_OUT + w * 2 * M + k] * tr->z_dec[t + 1][k] +
				                    tr->p[V_OUT + w * 2 * M + M + k] * tr->ctx[t][k];
		}
	}
}

/* d_ctx: of step t; adds to d_enc and, of the query, to d_query. */
static void attend_back(struct translation *tr, int t, const double *d_ctx, double *d_query)
{
	double d_alpha[S], mean = 0.0;
	for (int j = 0; j < S; j++) {
		d_alpha[j] = 0.0;
		for (int k = 0; k < M; k++) {
			tr->d_enc[j + 1][k] += tr->alpha[t][j] * d_ctx[k];
			d_alpha[j] += d_ctx[k] * tr->z_enc[j + 1][k];
		}
		mean += tr->alpha[t][j] * d_alpha[j];
	}
	for (int j = 0; j < S; j++) {
		double d_score = tr->alpha[t][j] * (d_alpha[j] - mean);
		for (int a = 0; a < DA; a++) {
			double tau = tr->tau[t][j][a], d_pre = d_score * tr->p[V_ATT + a] * (1.0 - tau * tau);
			tr->g[V_ATT + a] += d_score * tau;
			tr->g[BA + a] += d_pre;
			for (int k = 0; k < M; k++) {
				tr->g[WQ + a * M + k] += d_pre * tr->z_dec[t][k];
				tr->g[WK + a * M + k] += d_pre * tr->z_enc[j + 1][k];
				d_query[k] += d_pre * tr->p[WQ + a * M + k];
				tr->d_enc[j + 1][k] += d_pre * tr->p[WK + a * M + k];
			}
		}
	}
}

static void decoder_back(struct translation *tr, struct hybrid_cell *cell, int t)
{
	double d_ctx[M] = {0}, d_theta[A], d_u[DEC_IN];
	for (int w = 0; w < WORDS; w++) {
		double d = tr->d_logits[t][w];
		tr->g[C_OUT + w] += d;
		for (int k = 0; k < M; k++) {
			tr->g[V_OUT + w * 2 * M + k] += d * tr->z_dec[t + 1][k];
			tr->g[V_OUT + w * 2 * M + M + k] += d * tr->ctx[t][k];
			tr->d_dec[k] += d * tr->p[V_OUT + w * 2 * M + k];
			d_ctx[k] += d * tr->p[V_OUT + w * 2 * M + M + k];
		}
	}
	hybrid_step_back(cell, tr->dec[t].theta, tr->d_dec, d_theta);
	control_back(tr->p, DEC, DEC_IN, &tr->dec[t], d_theta, tr->g, d_u);
	for (int k = 0; k < M; k++) {
		d_ctx[k] += d_u[M + D + k];
		tr->d_dec[k] = d_u[k];
	}
	for (int k = 0; k < D; k++)
		tr->g[E_TGT + D * given[t] + k] += d_u[M + k];
	attend_back(tr, t, d_ctx, tr->d_dec);
}

/* The adjoint of the state goes on from the decoder into the encoder. */
static void translate_back(struct translation *tr, struct hybrid_cell *cell)
{
	hybrid_start_back(cell);
	for (int t = T; t-- > 0;)
		decoder_back(tr, cell, t);
	for (int k = 0; k < M; k++)
		tr->d_enc[S][k] += tr->d_dec[k];
	for (int t = S; t-- > 0;) {
		double d_theta[A], d_u[ENC_IN];
		hybrid_step_back(cell, tr->enc[t].theta, tr->d_enc[t + 1], d_theta);
		control_back(tr->p, ENC, ENC_IN, &tr->enc[t], d_theta, tr->g, d_u);
		for (int k = 0; k < M; k++)
			tr->d_enc[t][k] += d_u[k];
		for (int k = 0; k < D; k++)
			tr->g[E_SRC + D * source[t] + k] += d_u[M + k];
	}
}

static const struct entry entries[] = {{2, 0.004200323359},   {10, -0.010511817543},  {22, -0.000211046677},
                                       {163, 0.007091468388}, {376, 0.000001669932},  {403, -0.000000750123},
                                       {430, 0.000002638535}, {433, -0.000061932661}, {436, -0.047728788268},
                                       {549, -0.171699624877}};

static void test_translation(void **state)
{
	(void)state;
	static const double z_enc[M] = {-0.2025644410, 0.1930138809, 0.7477086186,  -0.1096307372, 0.3195557813,
	                                0.8475383550,  0.0963139542, -0.2181321010, 0.8118014728};
	static const double z_dec[M] = {-0.3496475272, -0.1640315901, 0.7273061005,  -0.1876859456, 0.4868811668,
	                                0.5259202215,  0.2705593589,  -0.0150029262, 0.6791480974};
	static const double alpha[T][S] = {{0.3344052301, 0.3325387239, 0.3330560459},
	                                   {0.3345845338, 0.3323878697, 0.3330275965},
	                                   {0.3346162714, 0.3323570474, 0.3330266812}};
	static struct translation tr;
	const struct hybrid_shape shape = {3, 1, HYBRID_RX_RY_RZ, HYBRID_CNOT_RING, HYBRID_XYZ};
	struct laid_out at = hybrid_laid_out(&shape, PRECISION_FLOAT64, 1);
	set_golden(tr.p, PARAMETERS);
	translate(&tr, at.cell);
	assert_values(tr.z_enc[S], z_enc, M, 6e-11);
	assert_values(tr.z_dec[T], z_dec, M, 6e-11);
	assert_values(&tr.alpha[0][0], &alpha[0][0], T * S, 6e-11);
	assert_near(cross_entropy(&tr.logits[0][0], T, WORDS, wanted, &tr.d_logits[0][0]), 1.7597865707107672, 1e-14);
	translate_back(&tr, at.cell);
	assert_near(norm_of(tr.g, PARAMETERS), 0.984472469784962, 1e-13);
	assert_entries(tr.g, entries, sizeof entries / sizeof *entries, 6e-13);
	hybrid_release(&at);
}

/* Where a tensor's numbers stand in the vector of parameters. */
static const struct {
	const char *name;
	int first;
} places[] = {{"layers.0.weight", E_SRC},
              {"layers.2.weight", E_TGT},
              {"layers.1.linear_in.weight", ENC},
              {"layers.1.linear_in.bias", ENC + 2 * H *ENC_IN},
              {"layers.1.linear_out.weight", ENC + 2 * H *(ENC_IN + 1)},
              {"layers.1.linear_out.bias", ENC + 2 * H *(ENC_IN + 1) + A *H},
              {"layers.4.linear_in.weight", DEC},
              {"layers.4.linear_in.bias", DEC + 2 * H *DEC_IN},
              {"layers.4.linear_out.weight", DEC + 2 * H *(DEC_IN + 1)},
              {"layers.4.linear_out.bias", DEC + 2 * H *(DEC_IN + 1) + A *H},
              {"layers.3.query", WQ},
              {"layers.3.key", WK},
              {"layers.3.bias", BA},
              {"layers.3.score", V_ATT},
              {"layers.6.weight", V_OUT},
              {"layers.6.bias", C_OUT}};

/* To or from the tensors' order. */
static void move(const struct params *params, double *tensors, double *vector, bool out)
{
	size_t moved = 0;
	for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
		const struct param *param = params_find(params, places[k].name);
		assert_non_null(param);
		for (size_t i = 0; i < param->size; i++, moved++) {
			double *from = &vector[(size_t)places[k].first + i], *to = &tensors[param->offset + i];
			if (out)
				*from = *to;
			else
				*to = *from;
		}
	}
	assert_int_equal(moved, PARAMETERS);
}

/* The reference's decoder is attention that looks before the step, with the encoder's state handed over. */
static void test_the_layers(void **state)
{
	(void)state;
	struct model_config config = asking(handing_over(translator(hqrnn_layer(), hqrnn_layer(), ATTENTION_ADDITIVE)));
	config.layers[3].attention.units = DA;
	double p[PARAMETERS], x[S * 2], y[T * WORDS], dy[T * WORDS];
	struct model *model = open_translator(&config, S, 1);
	struct params *params = model_params(model);
	assert_int_equal(params->size, PARAMETERS);
	set_golden(p, PARAMETERS);
	move(params, params->values, p, false);
	for (int t = 0; t < S; t++) {
		x[2 * t] = source[t];
		x[2 * t + 1] = given[t];
	}
	params_zero_gradients(params);
	model_forward(model, x, S, 1, y);
	assert_near(cross_entropy(y, T, WORDS, wanted, dy), 1.7597865707107672, 1e-14);
	model_backward(model, dy, NULL);
	move(params, params->gradients, p, true);
	assert_near(norm_of(p, PARAMETERS), 0.984472469784962, 1e-13);
	assert_entries(p, entries, sizeof entries / sizeof *entries, 6e-13);
	model_free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_translation), cmocka_unit_test(test_the_layers)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
