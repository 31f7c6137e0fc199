/* Circuits: the golden values of the reference pages on every plan, and misuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "engine/circuit/ansatz/ansatz.h"
#include "engine/circuit/plan.h"

#define GOLDEN 1e-12

/* z8 of the reference; its first four are x4. All golden weights are 0.1 (1 + flat index). */
static const double z8[] = {0.1, -0.2, 0.3, 0.5, -0.4, 0.6, -0.7, 0.8};
static double flat_weights[96];

#define CHEN(n, layers, h)                                                                                             \
	{                                                                                                              \
		.n_wires = (n), .n_blocks = (layers), .depth = 1, .hadamard = (h), .measure = PAULI_Z                  \
	}
#define QDI(n, blocks, layers, kind, axis, pauli)                                                                      \
	{                                                                                                              \
		.n_wires = (n), .n_blocks = (blocks), .depth = (layers), .entangling = ENTANGLING_##kind,              \
		.rotation = PAULI_##axis, .measure = PAULI_##pauli                                                     \
	}

static const struct {
	const char *label, *ansatz;
	struct ansatz_config config;
	double expected[6];
} outputs_golden[] = {
    {"G1 with H", "chen2020", CHEN(4, 2, true), {0.242995266811, -0.033986295395, 0.143637360796, -0.298473465578}},
    {"G1 no H", "chen2020", CHEN(4, 2, false), {0.023000415779, -0.061348265222, -0.312137672518, 0.006593414406}},
    {"G4 n=1 H", "chen2020", CHEN(1, 2, true), {-0.572462005241}},
    {"G4 n=1", "chen2020", CHEN(1, 2, false), {0.733920508326}},
    {"G4 n=2 H", "chen2020", CHEN(2, 2, true), {-0.240032983886, -0.597230560907}},
    {"G4 n=2", "chen2020", CHEN(2, 2, false), {0.473128549696, 0.369029092486}},
    {"G4 n=3 H", "chen2020", CHEN(3, 2, true), {-0.133514608707, 0.624429194489, -0.274622693297}},
    {"G4 n=3", "chen2020", CHEN(3, 2, false), {0.432913743997, 0.182991206724, 0.043895158262}},
    {"G4 two features",
     "chen2020",
     {.n_wires = 4, .n_features = 2, .n_blocks = 1, .depth = 2, .hadamard = true, .measure = PAULI_Z},
     {-0.029386573401, 0.215108507147, 0.410618219556, 0.202907177219}},
    {"G5",
     "chen2024",
     CHEN(6, 5, true),
     {-0.348927303396, -0.311014303068, -0.406769449221, -0.024620486873, -0.279404424200, 0.534498902948}},
    {"G5 n=1", "chen2024", CHEN(1, 2, true), {-0.389418342309}},
    {"G5 n=2", "chen2024", CHEN(2, 2, true), {-0.472982590867, -0.158079173192}},
    {"G5 n=3", "chen2024", CHEN(3, 2, true), {-0.540111577020, -0.227112281613, -0.526065365274}},
    {"G7a", "qdi", QDI(4, 1, 1, BASIC, Z, Y), {0.226346164083, 0.062726325426, 0.020870533945, 0.111543906253}},
    {"G7a Z", "qdi", QDI(4, 1, 1, BASIC, Z, Z), {0.424007512582, 0.645857948726, 0.509498316331, 0.394832490718}},
    {"G7a X", "qdi", QDI(4, 1, 1, BASIC, Z, X), {-0.000538962154, 0, -0.003992723505, -0.012598726484}},
    {"G7b", "qdi", QDI(4, 2, 2, STRONG, Z, Y), {-0.078605706421, -0.031351481845, -0.013729144609, 0.013319111961}},
    {"G7d", "qdi", QDI(4, 2, 2, BASIC, Z, Y), {0.313123175251, 0.282743020651, 0.199934754750, 0.229641536838}},
    {"G7e X", "qdi", QDI(4, 1, 1, BASIC, X, Y), {0.221888565979, 0.056118051778, 0.188761084221, 0.152927863695}},
    {"G7e Y", "qdi", QDI(4, 1, 1, BASIC, Y, Y), {0.095216182762, -0.055174002539, -0.104221920936, 0.165534864296}},
    {"G7f n=1", "qdi", QDI(1, 1, 1, BASIC, Z, Y), {-0.295031397231}},
    {"G7f n=1 strong", "qdi", QDI(1, 1, 1, STRONG, Z, Y), {0.451519120812}},
    {"G7f n=2", "qdi", QDI(2, 1, 1, BASIC, Z, Y), {-0.083196287898, -0.532945193321}},
    {"G7f n=2 strong", "qdi", QDI(2, 1, 1, STRONG, Z, Y), {0.190766153955, 0.127121103707}},
    {"G7f n=3", "qdi", QDI(3, 1, 1, BASIC, Z, Y), {0.057525714606, -0.040372738343, -0.070097112921}},
    {"G7f n=3 strong", "qdi", QDI(3, 1, 1, STRONG, Z, Y), {-0.436040348620, -0.546516521959, -0.775772450228}},
    {"G9 n=4",
     "basic",
     QDI(4, 1, 1, BASIC, X, Z),
     {0.5130368453966543, 0.9800665778412414, 0.8088838516750252, 0.5028102653743654}},
    /* The closed form of V(n,1): t_q = cos(x_q + a_q); <Z_i> = t_0 .. t_i, <Z_0> = t_1 .. t_(n-1). */
    {"V(3,1)", "hardware_efficient", QDI(3, 1, 1, BASIC, Y, Z), {0.693226077778, 0.975170327202, 0.679407709718}},
    {"G9 n=2", "basic", QDI(2, 1, 1, BASIC, X, Z), {0.980066577841, 0.980066577841}},
    {"G9 n=3", "basic", QDI(3, 1, 1, BASIC, X, Z), {0.825335614910, 0.980066577841, 0.808883851675}},
};

/* Gradients of <O_0>; weights beyond those listed are not compared when `n_weights` says so. */
static const struct {
	const char *label, *ansatz;
	struct ansatz_config config;
	int n_features, first_weight, n_weights;
	double d_features[8], d_weights[30];
} gradients_golden[] = {
    {"G2",
     "chen2020",
     CHEN(4, 2, true),
     4,
     0,
     24,
     {0.193194964995, 0.298151166015, -0.334245804578, 0.303802521742},
     {0.339253763540, -0.014006700284, 0.345392100028, -0.059244250194, 0.068822137875, 0.001276686452, -0.045289921585,
      -0.135329329039, -0.134972664020, 0.320399252213, 0.062952615870, 0.388212497251, 0.073834838428,
      -0.049796290953}},
    {"G2 no H",
     "chen2020",
     CHEN(4, 2, false),
     4,
     12,
     3,
     {0.193156378084, -0.061470638999, -0.256509045493, 0.005269768732},
     {-0.080062882908, -0.597062985766, 0}},
    {"G5",
     "chen2024",
     CHEN(6, 5, true),
     6,
     0,
     30,
     {0.244694395005, -0.599426019758, -0.022341719606, 0.153986336020, -0.187794568638, 0.288293158140},
     {0.233519378139,
      0.062683885503,
      0.038067273711,
      -0.084059165025,
      -0.033820756623,
      -0.061590982867,
      0.077655885484,
      -0.468175019872,
      -0.062831112573,
      -0.075227946647,
      0.002330949676,
      -0.000767418033,
      0.196231831311,
      0.195546472062,
      0.023973304987,
      0.037773176683,
      0,
      0,
      -0.496739733591,
      0.125905854369,
      0,
      0,
      0,
      0,
      -0.319790148003}},
    {"G7a",
     "qdi",
     QDI(4, 1, 1, BASIC, Z, Y),
     4,
     0,
     8,
     {-0.078484957379, -0.047067809716, -0.006847220230, -0.063184105025},
     {0.164260867559, 0.262224217435, 0.182652977271, 0.228874180009, 0, 0.191552345043, 0.063199771828,
      0.183542404147}},
    {"G7b",
     "qdi",
     QDI(4, 2, 2, STRONG, Z, Y),
     8,
     0,
     0,
     {0.256783960334, 0.082302773437, -0.074729735038, 0.004557134799, -0.283249588848, -0.210123478288, 0.107018051213,
      0.318416036690},
     {0}},
};

static struct circuit_program *built(const char *ansatz, const struct ansatz_config *config)
{
	struct circuit_program *program;
	struct qlstm_error error = {0};
	assert_non_null(ansatz_find(ansatz));
	if (ansatz_build(ansatz_find(ansatz), config, &program, &error) != 0)
		fail_msg("%s: %s %s", ansatz, error.pointer, error.message);
	return program;
}

/* Only `local` may refuse a circuit as small as these. */
static bool applies(const struct circuit_program *program, const char *kind)
{
	struct plan *plan;
	int code = plan_new(&plan, program, kind, NULL);
	plan_free(plan);
	return code != ERR_TOO_LARGE || strcmp(kind, "local") != 0;
}

static void forward_once(const struct circuit_program *program, const char *kind, const double *x, double *outputs)
{
	struct plan *plan;
	assert_int_equal(plan_new(&plan, program, kind, NULL), 0);
	plan_forward(plan, x, flat_weights, 1, outputs);
	plan_free(plan);
}

/* Gradients of sum_o u_o <O_o>. */
static void backward_once(const struct circuit_program *program, const char *kind, const double *x, const double *u,
                          double *d_features, double *d_weights)
{
	struct plan *plan;
	memset(d_features, 0, (size_t)program->n_features * sizeof *d_features);
	memset(d_weights, 0, (size_t)program->n_weights * sizeof *d_weights);
	assert_int_equal(plan_new(&plan, program, kind, NULL), 0);
	plan_backward(plan, x, flat_weights, 1, u, d_features, d_weights);
	plan_free(plan);
}

static void assert_close(const char *label, const char *kind, const double *found, const double *wanted, int count,
                         double tolerance)
{
	for (int i = 0; i < count; i++)
		if (!(fabs(found[i] - wanted[i]) <= tolerance))
			fail_msg("%s on %s, value %d: %.15f is not %.15f", label, kind, i, found[i], wanted[i]);
}

static void golden_outputs(void **state)
{
	(void)state;
	for (size_t g = 0; g < sizeof outputs_golden / sizeof *outputs_golden; g++)
		for (int k = 0; plan_kind_name(k) != NULL; k++) {
			struct circuit_program *program = built(outputs_golden[g].ansatz, &outputs_golden[g].config);
			double outputs[6];
			assert_int_equal(program->n_observables, program->n_wires);
			if (applies(program, plan_kind_name(k))) {
				forward_once(program, plan_kind_name(k), z8, outputs);
				assert_close(outputs_golden[g].label, plan_kind_name(k), outputs,
				             outputs_golden[g].expected, program->n_wires, GOLDEN);
			}
			program_free(program);
		}
}

static void golden_gradients(void **state)
{
	(void)state;
	static const double first[6] = {1};
	for (size_t g = 0; g < sizeof gradients_golden / sizeof *gradients_golden; g++)
		for (int k = 0; plan_kind_name(k) != NULL; k++) {
			const char *label = gradients_golden[g].label, *kind = plan_kind_name(k);
			struct circuit_program *program =
			    built(gradients_golden[g].ansatz, &gradients_golden[g].config);
			double d_features[8], d_weights[96];
			assert_int_equal(program->n_features, gradients_golden[g].n_features);
			if (applies(program, kind)) {
				backward_once(program, kind, z8, first, d_features, d_weights);
				assert_close(label, kind, d_features, gradients_golden[g].d_features,
				             program->n_features, GOLDEN);
				assert_close(label, kind, d_weights + gradients_golden[g].first_weight,
				             gradients_golden[g].d_weights, gradients_golden[g].n_weights, GOLDEN);
			}
			program_free(program);
		}
}

/* G2: the vector-Jacobian product, and gradients with respect to the encoding angles themselves. */
static void golden_chen2020_angles(void **state)
{
	(void)state;
	static const double u[] = {1, 2, 3, 4}, first[] = {1, 0, 0, 0};
	static const double d_x[] = {0.068496526332, 0.543010179893, -0.177442186760, 0.286697069620};
	static const double d_angles[] = {0.164583274966, 0.265965622016,  -0.104057526798, 0.229945849587,
	                                  0.151221257635, -0.106207137462, -0.401190505251, 0.127336207202};
	for (int k = 0; plan_kind_name(k) != NULL; k++) {
		static const struct ansatz_config config = CHEN(4, 2, true);
		struct circuit_program *program = built("chen2020", &config);
		double d_features[8], d_weights[24], angles[8], norm = 0, sum = 0;
		if (!applies(program, plan_kind_name(k))) {
			program_free(program);
			continue;
		}
		backward_once(program, plan_kind_name(k), z8, u, d_features, d_weights);
		assert_close("G2 vjp", plan_kind_name(k), d_features, d_x, 4, GOLDEN);
		for (int i = 0; i < 24; i++) {
			norm += d_weights[i] * d_weights[i];
			sum += d_weights[i];
		}
		assert_true(fabs(sqrt(norm) - 3.117944732686) < GOLDEN);
		assert_true(fabs(sum - 3.980438104072) < GOLDEN);
		for (int i = 0; i < program->n_ops; i++) {
			struct angle *angle = &program->ops[i].angle;
			if (angle->source == ANGLE_FEATURE)
				*angle =
				    angle_feature(angle->index + (angle->encoder == ENCODER_ATAN ? 0 : 4), ENCODER_X);
		}
		program->n_features = 8;
		for (int i = 0; i < 4; i++) {
			angles[i] = atan(z8[i]);
			angles[i + 4] = atan(z8[i] * z8[i]);
		}
		backward_once(program, plan_kind_name(k), angles, first, d_features, d_weights);
		assert_close("G2 encoding angles", plan_kind_name(k), d_features, d_angles, 8, GOLDEN);
		program_free(program);
	}
}

/* G7c: both blocks encode the same four features. Written gate by gate. */
static void golden_qdi_repeated(void **state)
{
	(void)state;
	static const double expected[] = {-0.011562177752, 0.085513640608, 0.090342143648, 0.095590514315};
	struct circuit_program *program = program_new(4);
	int weight = 0;
	for (int block = 0; block < 3; block++) {
		for (int w = 0; w < 4 && block > 0; w++)
			program_rotation(program, GATE_RZ, w, angle_feature(w, ENCODER_X));
		for (int layer = 0; layer < 2; layer++) {
			for (int w = 0; w < 4; w++, weight += 3)
				program_rot(program, w, weight);
			for (int w = 0; w < 4; w++)
				program_cnot(program, w, (w + layer + 1) % 4);
		}
	}
	for (int w = 0; w < 4; w++)
		program_observe(program, PAULI_Y, w);
	for (int k = 0; plan_kind_name(k) != NULL; k++) {
		double outputs[4];
		if (!applies(program, plan_kind_name(k)))
			continue;
		forward_once(program, plan_kind_name(k), z8, outputs);
		assert_close("G7c", plan_kind_name(k), outputs, expected, 4, GOLDEN);
	}
	program_free(program);
}

static void shapes_match_weights(void **state)
{
	(void)state;
	for (int i = 0; ansatz_at(i) != NULL; i++)
		for (int n = 1; n <= 5; n++)
			for (int e = 0; e < 2; e++) {
				struct ansatz_config config = {
				    .n_wires = n, .n_blocks = 2, .depth = 3, .measure = PAULI_Z};
				config.entangling = e == 0 ? ENTANGLING_BASIC : ENTANGLING_STRONG;
				struct ansatz_shape shape;
				int product = 1;
				ansatz_at(i)->shape(&config, &shape);
				for (int d = 0; d < shape.rank; d++)
					product *= shape.dims[d];
				struct circuit_program *program = built(ansatz_at(i)->name, &config);
				assert_int_equal(program->n_weights, product);
				assert_int_equal(program->n_features, ansatz_at(i)->features(&config));
				program_free(program);
			}
}

static void bad_configurations_are_refused(void **state)
{
	(void)state;
	static const struct {
		struct ansatz_config config;
		const char *pointer;
	} rows[] = {
	    {{.n_wires = 0, .n_blocks = 1, .depth = 1}, "/n_wires"},
	    {{.n_wires = CIRCUIT_MAX_WIRES + 1, .n_blocks = 1, .depth = 1}, "/n_wires"},
	    {{.n_wires = 2, .n_blocks = 0, .depth = 1}, "/n_blocks"},
	    {{.n_wires = 2, .n_blocks = 1, .depth = 0}, "/depth"},
	    {{.n_wires = 2, .n_blocks = 1, .depth = 1, .n_outputs = 3}, "/n_outputs"},
	    {{.n_wires = 2, .n_blocks = 1, .depth = 1, .n_features = 3}, "/n_features"},
	    {{.n_wires = 2, .n_blocks = 1, .depth = 1, .n_features = -1}, "/n_features"},
	    {{.n_wires = 3, .n_blocks = 1, .depth = 1, .n_outputs = 3, .output_step = 2}, "/n_outputs"},
	    {{.n_wires = 3, .n_blocks = 1, .depth = 1, .output_step = -1}, "/output_step"},
	    {{.n_wires = 3, .n_blocks = 1, .depth = 1, .encoder = ENCODER_COUNT}, "/encoder"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct circuit_program *program;
		struct qlstm_error error = {0};
		assert_int_equal(ansatz_build(ansatz_find("chen2020"), &rows[i].config, &program, &error),
		                 ERR_OUT_OF_RANGE);
		assert_string_equal(error.pointer, rows[i].pointer);
		assert_null(program);
	}
	assert_null(ansatz_find("chen1999"));
}

/* Appends one wrong thing to a correct program and expects the check to name it. */
static void assert_refused(struct circuit_op op, struct pauli_string observable, int code, const char *pointer)
{
	struct circuit_program *program = program_new(2);
	struct qlstm_error error = {0};
	struct plan *plan;
	program_gate(program, GATE_H, 0);
	program_gate2(program, op.gate, op.wires[0], op.wires[1]);
	program->ops[1] = op;
	program_observe_string(program, observable);
	assert_int_equal(program_check(program, &error), code);
	assert_string_equal(error.pointer, pointer);
	assert_int_equal(plan_new(&plan, program, NULL, NULL), code);
	assert_null(plan);
	program_free(program);
}

static void bad_programs_are_refused(void **state)
{
	(void)state;
	struct pauli_string z0 = {.z = 1};
	assert_refused((struct circuit_op){GATE_X, {2, -1}, {0}}, z0, ERR_OUT_OF_RANGE, "/gates/1/wires/0");
	assert_refused((struct circuit_op){GATE_X, {-1, -1}, {0}}, z0, ERR_OUT_OF_RANGE, "/gates/1/wires/0");
	assert_refused((struct circuit_op){GATE_X, {0, 1}, {0}}, z0, ERR_INVALID, "/gates/1/wires");
	assert_refused((struct circuit_op){GATE_CNOT, {0, 2}, {0}}, z0, ERR_OUT_OF_RANGE, "/gates/1/wires/1");
	assert_refused((struct circuit_op){GATE_CNOT, {1, 1}, {0}}, z0, ERR_INVALID, "/gates/1/wires/1");
	assert_refused((struct circuit_op){GATE_COUNT, {0, -1}, {0}}, z0, ERR_UNKNOWN_FIELD, "/gates/1/gate");
	assert_refused((struct circuit_op){GATE_RX, {0, -1}, {0}}, z0, ERR_MISSING, "/gates/1/angle");
	assert_refused((struct circuit_op){GATE_H, {0, -1}, angle_weight(0)}, z0, ERR_INVALID, "/gates/1/angle");
	assert_refused((struct circuit_op){GATE_RX, {0, -1}, angle_weight(-1)}, z0, ERR_OUT_OF_RANGE, "/gates/1/angle");
	assert_refused((struct circuit_op){GATE_RX, {0, -1}, angle_weight(INT32_MAX)}, z0, ERR_OUT_OF_RANGE,
	               "/gates/1/angle");
	assert_refused((struct circuit_op){GATE_RX, {0, -1}, angle_feature(0, ENCODER_COUNT)}, z0, ERR_UNKNOWN_FIELD,
	               "/gates/1/angle");
	assert_refused((struct circuit_op){GATE_RX, {0, -1}, angle_constant(NAN)}, z0, ERR_OUT_OF_RANGE,
	               "/gates/1/angle");
	assert_refused((struct circuit_op){GATE_X, {0, -1}, {0}}, (struct pauli_string){.x = 4}, ERR_OUT_OF_RANGE,
	               "/observables/0");
}

static void incomplete_programs_are_refused(void **state)
{
	(void)state;
	struct plan *plan;
	struct circuit_program *program = program_new(1);
	assert_int_equal(program_check(program, NULL), ERR_MISSING);
	program_observe(program, PAULI_Z, 7);
	assert_int_equal(program_check(program, NULL), ERR_OUT_OF_RANGE);
	program_free(program);
	program = program_new(CIRCUIT_MAX_WIRES + 1);
	program_observe(program, PAULI_Z, 0);
	assert_int_equal(program_check(program, NULL), ERR_OUT_OF_RANGE);
	program->n_wires = CIRCUIT_MAX_WIRES;
	assert_int_equal(program_check(program, NULL), 0);
	assert_int_equal(plan_new(&plan, program, "teleport", NULL), ERR_NOT_FOUND);
	program_free(program);
}

static void names_are_found(void **state)
{
	(void)state;
	enum gate gate;
	enum encoder encoder;
	enum pauli pauli;
	for (int i = 0; i < GATE_COUNT; i++) {
		assert_int_equal(gate_from_name(gate_name((enum gate)i), &gate), 0);
		assert_int_equal(gate, i);
	}
	for (int i = 0; i < ENCODER_COUNT; i++) {
		assert_int_equal(encoder_from_name(encoder_name((enum encoder)i), &encoder), 0);
		assert_int_equal(encoder, i);
	}
	assert_int_equal(encoder_from_name("atan x^2", &encoder), 0);
	assert_int_equal(encoder, ENCODER_ATAN_SQUARE);
	assert_int_equal(encoder_from_name("identity", &encoder), 0);
	assert_int_equal(encoder, ENCODER_X);
	assert_int_equal(gate_from_name("CCNOT", &gate), ERR_NOT_FOUND);
	assert_int_equal(encoder_from_name("sinh", &encoder), ERR_NOT_FOUND);
	assert_int_equal(pauli_from_letter('Y', &pauli), 0);
	assert_int_equal(pauli, PAULI_Y);
	assert_int_not_equal(pauli_from_letter('Q', &pauli), 0);
	assert_int_not_equal(pauli_from_letter('\0', &pauli), 0);
}

static void pauli_strings_are_parsed(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int code;
		uint32_t x, z;
	} rows[] = {
	    {"ZIIX", 0, 8, 1},
	    {"IYII", 0, 2, 2},
	    {"Z0 X3", 0, 8, 1},
	    {" Y2 ", 0, 4, 4},
	    {"IIII", 0, 0, 0},
	    {"ZZ", ERR_OUT_OF_RANGE, 0, 0},
	    {"ZZZZZ", ERR_OUT_OF_RANGE, 0, 0},
	    {"Z4", ERR_OUT_OF_RANGE, 0, 0},
	    {"Z99999999999999999999", ERR_OUT_OF_RANGE, 0, 0},
	    {"ZQII", ERR_SYNTAX, 0, 0},
	    {"Q0", ERR_SYNTAX, 0, 0},
	    {"Z0 Z0", ERR_SYNTAX, 0, 0},
	    {"Z0X", ERR_SYNTAX, 0, 0},
	    {"Z X1", ERR_SYNTAX, 0, 0},
	    {"", ERR_SYNTAX, 0, 0},
	    {"  ", ERR_SYNTAX, 0, 0},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct pauli_string string;
		struct qlstm_error error = {0};
		int code = pauli_string_parse(rows[i].text, 4, &string, &error);
		if (code != rows[i].code || code != error.code)
			fail_msg("'%s' gave %d: %s", rows[i].text, code, error.message);
		if (code == 0) {
			assert_int_equal(string.x, rows[i].x);
			assert_int_equal(string.z, rows[i].z);
		}
	}
}

int main(void)
{
	for (int i = 0; i < 96; i++)
		flat_weights[i] = 0.1 * (1 + i);
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(golden_outputs),           cmocka_unit_test(golden_gradients),
	    cmocka_unit_test(golden_chen2020_angles),   cmocka_unit_test(golden_qdi_repeated),
	    cmocka_unit_test(shapes_match_weights),     cmocka_unit_test(bad_configurations_are_refused),
	    cmocka_unit_test(bad_programs_are_refused), cmocka_unit_test(incomplete_programs_are_refused),
	    cmocka_unit_test(names_are_found),          cmocka_unit_test(pauli_strings_are_parsed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
