/* What there is to measure. Batches of V(n, L) are those of the reference grid that other simulators are compared on.
 */
#include "server/worker/bench/bench.h"

/* Measured in float64 and, where `last` says so, in float32. */
struct row {
	struct bench_case is;
	enum precision last;
};

/* A quantum LSTM whose four circuits are V(4,2) on the state and the input themselves. */
static const struct layer_config v42 = {.type = "qlstm",
                                        .qlstm = {.recurrent = {.hidden_size = 3},
                                                  .variant = "chen2024",
                                                  .circuit.ansatz = "hardware_efficient",
                                                  .circuit.n_qubits = 4,
                                                  .circuit.n_qlayers = 1,
                                                  .circuit.depth = 2,
                                                  .circuit.rotation = PAULI_Y,
                                                  .circuit.measure = PAULI_Z,
                                                  .circuit.angle_init = ANGLE_INIT_UNIFORM}};
static const struct layer_config chen2020 = {.type = "qlstm",
                                             .qlstm = {.recurrent = {.hidden_size = 3},
                                                       .variant = "chen2020",
                                                       .circuit.n_qubits = 4,
                                                       .circuit.n_qlayers = 1,
                                                       .circuit.depth = 2,
                                                       .circuit.hadamard = true,
                                                       .circuit.measure = PAULI_Z}};
#define HQRNN(qubits)                                                                                                  \
	static const struct layer_config hqrnn_##qubits = {                                                            \
	    .type = "hqrnn",                                                                                           \
	    .hqrnn = {.n_qubits = qubits, .depth = 2, .hidden_size = 26, .controller = CONTROLLER_GLU}}
HQRNN(8);
HQRNN(12);
#define LSTM(width) static const struct layer_config lstm_##width = {.type = "lstm", .lstm = {{.hidden_size = width}}}
LSTM(4);
LSTM(5);
LSTM(16);
LSTM(64);
LSTM(256);

/* Bausch's network on MNIST's pairs (schema/recipes/qrnn_mnist_01.json). */
static const struct layer_config qrnn = {.type = "qrnn",
                                         .qrnn = {.workspace = 8,
                                                  .stages = 2,
                                                  .order = 2,
                                                  .degree = 2,
                                                  .input_bits = 2,
                                                  .bias = 1.5707963267948966,
                                                  .bias_spread = 0.1,
                                                  .weight_spread = 0.01,
                                                  .rotation_spread = 0.01}};

#define CIRCUIT(label, form, n, l, b, s, kind)                                                                         \
	.name = label, .quantity = "forward and gradient", .run = bench_circuit, .plan = kind, .batch = b,             \
	.ansatz = form, .wires = n, .layers = l, .sets = s
#define V(label, n, l, b, s, kind) CIRCUIT(label, "hardware_efficient", n, l, b, s, kind)
#define LAYER(label, n)                                                                                                \
	.name = label, .quantity = "forward of one layer", .run = bench_layer, .plan = "wide", .batch = 1,             \
	.ansatz = "hardware_efficient", .wires = n, .layers = 2, .sets = 1
#define STEP(label, layer, t, b, kind)                                                                                 \
	.name = label, .quantity = "training step", .run = bench_step, .plan = kind, .batch = b, .model = &(layer),    \
	.steps = t

static const struct row rows[] = {
    {{V("V(4,1)", 4, 1, 256, 1, "batch")}, PRECISION_FLOAT32},
    {{V("V(4,2)", 4, 2, 256, 1, "batch")}, PRECISION_FLOAT32},
    {{V("V(6,2)", 6, 2, 256, 1, "batch")}, PRECISION_FLOAT32},
    {{V("V(8,2)", 8, 2, 256, 1, "batch")}, PRECISION_FLOAT32},
    {{V("V(10,2)", 10, 2, 64, 1, "batch")}, PRECISION_FLOAT32},
    {{V("V(12,2)", 12, 2, 16, 1, "batch")}, PRECISION_FLOAT32},
    {{V("4xV(4,2)", 4, 2, 256, 4, "batch")}, PRECISION_FLOAT32},
    {{V("4xV(4,2)/10", 4, 2, 10, 4, "batch")}, PRECISION_FLOAT32},
    {{V("4xV(4,2)/4", 4, 2, 4, 4, "batch")}, PRECISION_FLOAT32},
    {{V("4xV(4,2)/1", 4, 2, 1, 4, "batch")}, PRECISION_FLOAT32},
    {{V("V(4,2)/10", 4, 2, 10, 1, "batch")}, PRECISION_FLOAT32},
    {{V("V(4,2)/4", 4, 2, 4, 1, "batch")}, PRECISION_FLOAT32},
    {{V("V(4,2)/1", 4, 2, 1, 1, "batch")}, PRECISION_FLOAT32},
    /* A plan that does without the statevector has the plain one beside it. */
    {{V("V(8,1)", 8, 1, 256, 1, "local")}, PRECISION_FLOAT64},
    {{V("V(8,1)", 8, 1, 256, 1, "batch")}, PRECISION_FLOAT64},
    {{V("V(8,2)", 8, 2, 256, 1, "local")}, PRECISION_FLOAT64},
    {{V("V(12,1)", 12, 1, 16, 1, "local")}, PRECISION_FLOAT64},
    {{V("V(12,1)", 12, 1, 16, 1, "batch")}, PRECISION_FLOAT64},
    {{V("V(12,2)", 12, 2, 16, 1, "local")}, PRECISION_FLOAT64},
    {{CIRCUIT("qdi(4)", "qdi", 4, 1, 256, 1, "local")}, PRECISION_FLOAT64},
    {{CIRCUIT("qdi(4)", "qdi", 4, 1, 256, 1, "batch")}, PRECISION_FLOAT64},
    {{CIRCUIT("qdi(12)", "qdi", 12, 1, 16, 1, "local")}, PRECISION_FLOAT64},
    {{CIRCUIT("qdi(12)", "qdi", 12, 1, 16, 1, "batch")}, PRECISION_FLOAT64},
    {{V("V(20,2)", 20, 2, 256, 1, "local")}, PRECISION_FLOAT64},
    {{V("V(20,2)", 20, 2, 1, 1, "wide")}, PRECISION_FLOAT32},
    {{V("V(20,4)", 20, 4, 1, 1, "wide")}, PRECISION_FLOAT32},
    {{V("V(25,1)", 25, 1, 256, 1, "local")}, PRECISION_FLOAT64},
    {{V("V(25,1)", 25, 1, 1, 1, "wide")}, PRECISION_FLOAT32},
    {{V("V(25,2)", 25, 2, 256, 1, "local")}, PRECISION_FLOAT64},
    {{V("V(25,2)", 25, 2, 1, 1, "wide")}, PRECISION_FLOAT32},
    {{V("V(25,3)", 25, 3, 16, 1, "local"), .long_run = true}, PRECISION_FLOAT64},
    {{V("V(25,3)", 25, 3, 1, 1, "wide"), .long_run = true}, PRECISION_FLOAT64},
    {{CIRCUIT("qdi(25)", "qdi", 25, 1, 256, 1, "local"), .long_run = true}, PRECISION_FLOAT64},
    {{CIRCUIT("qdi(25)", "qdi", 25, 1, 1, 1, "wide"), .long_run = true}, PRECISION_FLOAT64},
    {{LAYER("layer(20)", 20)}, PRECISION_FLOAT32},
    {{LAYER("layer(24)", 24)}, PRECISION_FLOAT32},
    {{STEP("qlstm-v42", v42, 8, 256, "batch")}, PRECISION_FLOAT32},
    {{STEP("qlstm-v42", v42, 8, 256, "local")}, PRECISION_FLOAT64},
    {{STEP("chen2020/10", chen2020, 4, 10, "auto")}, PRECISION_FLOAT32},
    {{STEP("chen2020/4", chen2020, 4, 4, "auto")}, PRECISION_FLOAT32},
    {{STEP("chen2020/1", chen2020, 4, 1, "auto")}, PRECISION_FLOAT32},
    {{STEP("hqrnn-8", hqrnn_8, 100, 64, "auto")}, PRECISION_FLOAT32},
    {{STEP("hqrnn-12", hqrnn_12, 4, 64, "auto")}, PRECISION_FLOAT32},
    {{STEP("lstm-5/10", lstm_5, 4, 10, "auto")}, PRECISION_FLOAT32},
    {{STEP("lstm-5/4", lstm_5, 4, 4, "auto")}, PRECISION_FLOAT32},
    {{STEP("lstm-5/1", lstm_5, 4, 1, "auto")}, PRECISION_FLOAT32},
    {{STEP("lstm-4", lstm_4, 8, 256, "auto")}, PRECISION_FLOAT32},
    {{STEP("lstm-16", lstm_16, 8, 256, "auto")}, PRECISION_FLOAT32},
    {{STEP("lstm-64", lstm_64, 8, 256, "auto")}, PRECISION_FLOAT32},
    {{STEP("lstm-256", lstm_256, 8, 256, "auto")}, PRECISION_FLOAT32},
    {{STEP("qrnn-99/200", qrnn, 99, 200, "auto")}, PRECISION_FLOAT32},
    {{STEP("qrnn-99/3200", qrnn, 99, 3200, "auto"), .long_run = true}, PRECISION_FLOAT32},
    {{STEP("qrnn-1584/200", qrnn, 1584, 200, "auto"), .long_run = true}, PRECISION_FLOAT32},
};

bool bench_case_at(int index, struct bench_case *out)
{
	for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
		int precisions = rows[k].last == PRECISION_FLOAT32 ? 2 : 1;
		if (index < precisions) {
			*out = rows[k].is;
			out->precision = index == 0 ? PRECISION_FLOAT64 : PRECISION_FLOAT32;
			return true;
		}
		index -= precisions;
	}
	return false;
}
