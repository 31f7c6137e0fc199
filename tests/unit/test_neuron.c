/* The cell of quantum neurons: golden values of Bausch's network, made by its author's program (arXiv 2006.14619) and
 * by two others; parameter k is 0.3 sin(k + 1), every step is postselected on its target. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/neuron_fixture.h"

#define HALF_PI 1.57079632679489661923

enum { GOLDEN_STEPS = 4, GOLDEN_ENTRIES = 24 };

struct golden {
	const char *name;
	struct neuron_shape shape;
	int steps;
	bool last_only; /* only the last step is scored */
	uint8_t inputs[GOLDEN_STEPS], targets[GOLDEN_STEPS];
	double p[GOLDEN_STEPS][4]; /* 0: not published */
	double loss, norm, least;
	double sum; /* of the gradient; 0: not published */
	struct {
		int index;
		double value;
	} entries[GOLDEN_ENTRIES]; /* of the gradient; value 0 at index 0 ends them */
};

static const struct golden goldens[] = {
    {"A",
     {2, 1, 2, 2, 1, HALF_PI},
     3,
     false,
     {0, 1, 1},
     {1, 0, 1},
     {{0.0454097049, 0.9545902951}, {0.4480995153, 0.5519004847}, {0.0921526885, 0.9078473115}},
     0.17045964107525746,
     0.8170087173625947,
     0.448099515254296,
     0,
     {{0, 0.0735338767},   {1, 0.0776588346},  {2, 0.0735338767},   {3, 0.1599202721},  {4, -0.1532870886},
      {5, -0.239957716},   {6, -0.1258487825}, {7, -0.3191495501},  {8, 0.0584758245},  {9, -0.098087981},
      {10, 0.0852374775},  {11, 0.1259290878}, {12, 0.058365885},   {13, 0.2073697943}, {14, -0.1138167421},
      {15, -0.1700763676}, {16, -0.053757702}, {17, -0.1860210484}, {18, 0.1200752272}, {19, -0.0883935878},
      {20, -0.0332642939}, {21, 0.4909454333}}},
    {"A1",
     {2, 1, 1, 2, 1, HALF_PI},
     3,
     false,
     {0, 1, 1},
     {1, 0, 1},
     {{0.1077520455, 0.8922479545}, {0.4816068104, 0.5183931896}, {0.1680626532, 0.8319373468}},
     0.18772522073150244,
     0.4517015051956908,
     0.4816068104327826,
     0,
     {{0, 0}}},
    {"A3",
     {2, 1, 3, 2, 1, HALF_PI},
     3,
     false,
     {0, 1, 1},
     {1, 0, 1},
     {{0.0079544349, 0.9920455651}, {0.3602149149, 0.6397850851}, {0.0276957062, 0.9723042938}},
     0.18297119458250893,
     1.654514969680047,
     0.3602149149226557,
     0,
     {{0, 0}}},
    {"B",
     {3, 2, 2, 3, 2, HALF_PI},
     3,
     false,
     {0, 1, 2},
     {1, 2, 1},
     {{0.0294474937, 0.9523054133, 0.0009803635, 0.0172667295},
      {0.0677768204, 0.9009485103, 0.0028242754, 0.0284503938},
      {0.0241107147, 0.9627988909, 0.000784061, 0.0123063333}},
     0.34334551838959704,
     0.16215026972355517,
     0.0028242754352367145,
     -0.109968918192552,
     {{1, 0.000379731162},
      {0, -0.004257645522},
      {2, -0.003134498951},
      {14, -0.018651018246},
      {15, 0.010039244274},
      {45, -0.010186676558},
      {46, -0.014959993343},
      {47, 0.016273460738},
      {48, 0.013489800455},
      {108, 0},
      {111, -0.038136313303},
      {169, 0.021864496968},
      {170, -0.042705107245}}},
    {"C",
     {3, 1, 2, 2, 2, HALF_PI},
     4,
     true,
     {0, 3, 1, 2},
     {0, 0, 0, 1},
     {{0.0770496152, 0.0871800569, 0.0231575541, 0.8126127738},
      {0.2570698672, 0.1489962416, 0.0553667737, 0.5385671176},
      {0.2048106241, 0.2020894078, 0.1075655665, 0.4855344016},
      {0.0615328460, 0.1133495082, 0.0075547425, 0.8175629033}},
     0.839706324743487,
     6.50402869670073,
     0.0770496151819426,
     10.4279547683225,
     {{1, -0.273412003875},
      {0, -1.639046714826},
      {10, -1.476235943837},
      {11, 0.485300185976},
      {33, -0.659869186415},
      {90, -0.440644774727}}},
};

static void assert_near(const char *golden, const char *what, double found, double wanted, double tolerance)
{
	if (!(fabs(found - wanted) <= tolerance))
		fail_msg("%s, %s: %.17g is not %.17g", golden, what, found, wanted);
}

static void check_gradient(const struct golden *golden, const double *gradient, size_t count)
{
	double squares = 0.0, sum = 0.0;
	for (size_t k = 0; k < count; k++) {
		squares += gradient[k] * gradient[k];
		sum += gradient[k];
	}
	assert_near(golden->name, "gradient norm", sqrt(squares), golden->norm, 1e-13 * golden->norm);
	if (golden->sum != 0)
		assert_near(golden->name, "gradient sum", sum, golden->sum, 1e-12 * fabs(golden->sum));
	for (int k = 0; k < GOLDEN_ENTRIES && (golden->entries[k].index != 0 || golden->entries[k].value != 0); k++)
		assert_near(golden->name, "gradient", gradient[golden->entries[k].index], golden->entries[k].value,
		            1e-10);
}

static void check_golden(const struct golden *golden)
{
	struct network network = network_new(golden->shape, golden->steps, 1);
	double p[GOLDEN_STEPS * 4], dp[GOLDEN_STEPS * 4], least = 0.0, gradient[200];
	size_t words = network_words(&network);
	for (size_t k = 0; k < network.n_parameters; k++)
		network.parameters[k] = 0.3 * sin((double)k + 1);
	memcpy(network.inputs, golden->inputs, (size_t)golden->steps);
	memcpy(network.outcomes, golden->targets, (size_t)golden->steps);
	for (int t = 0; t < golden->steps; t++)
		network.scored[t] = !golden->last_only || t + 1 == golden->steps;
	double loss = network_gradient(&network, p, dp, gradient);
	network_loss(&network, p, NULL, &least);
	for (size_t k = 0; k < (size_t)golden->steps * words; k++)
		assert_near(golden->name, "p", p[k], golden->p[k / words][k % words], 6e-11);
	assert_near(golden->name, "loss", loss, golden->loss, 1e-14);
	assert_near(golden->name, "least p", least, golden->least, 1e-14);
	check_gradient(golden, gradient, network.n_parameters);
	network_free(&network);
}

static void test_golden_values(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof goldens / sizeof *goldens; k++)
		check_golden(&goldens[k]);
}

/* D: one neuron of three lanes, target 1. It proves the plain program that other tests compare with. */
static void test_golden_neuron(void **state)
{
	(void)state;
	static const double start[] = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.1, 0.3}, phi[] = {0.7, -0.4, 1.1};
	static const double wanted[] = {-0.150900630986, -0.042595014972, 0.093926779000, 0.188382655898,
	                                -0.103040278374, -0.357888977119, 0.529053463320, 0.715894554700};
	const struct neuron_shape shape = {.order = 2, .degree = 2, .bias = HALF_PI};
	double psi[8], norm = 0.0;
	for (int h = 0; h < 8; h++)
		norm += start[h] * start[h];
	for (int h = 0; h < 8; h++)
		psi[h] = start[h] / sqrt(norm);
	assert_near("D", "norm", plain_neuron(psi, 3, 1, (int[]){0, 2}, phi, 0.35, &shape), 0.820678098583018, 1e-14);
	for (int h = 0; h < 8; h++)
		assert_near("D", "amplitude", psi[h], wanted[h], 1e-12);
}

/* Checked against the table of the reference: W, I, S, d, and how many parameters. */
static void test_parameter_counts(void **state)
{
	(void)state;
	static const int rows[][5] = {{8, 2, 2, 2, 1212}, {6, 2, 2, 3, 1292}, {7, 3, 2, 3, 3134},
	                              {7, 4, 2, 3, 4414}, {5, 3, 1, 3, 837},  {5, 3, 2, 3, 1162},
	                              {4, 2, 1, 3, 264},  {6, 5, 3, 3, 5122}, {3, 3, 2, 2, 198}};
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		const struct neuron_shape shape = {rows[k][0], rows[k][2], 2, rows[k][3], rows[k][1], HALF_PI};
		assert_int_equal(neuron_parameters(&shape), rows[k][4]);
	}
}

static void test_ranges(void **state)
{
	(void)state;
	static const struct {
		struct neuron_shape shape;
		const char *pointer;
	} rows[] = {{{0, 1, 2, 2, 1, 1}, "/workspace"},     {{11, 1, 2, 2, 1, 1}, "/workspace"},
	            {{2, 0, 2, 2, 1, 1}, "/stages"},        {{2, 17, 2, 2, 1, 1}, "/stages"},
	            {{2, 1, 0, 2, 1, 1}, "/order"},         {{2, 1, 5, 2, 1, 1}, "/order"},
	            {{2, 1, 2, 0, 1, 1}, "/degree"},        {{2, 1, 2, 17, 1, 1}, "/degree"},
	            {{2, 1, 2, 2, 0, 1}, "/input_bits"},    {{2, 1, 2, 2, 7, 1}, "/input_bits"},
	            {{2, 1, 2, 2, 1, (double)NAN}, "/bias"}};
	struct neuron_cell *cell = NULL;
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		struct qlstm_error error = {0};
		assert_int_equal(neuron_open(&cell, &rows[k].shape, PRECISION_FLOAT64, &error), ERR_OUT_OF_RANGE);
		assert_string_equal(error.pointer, rows[k].pointer);
	}
	const struct neuron_shape largest = {10, 16, 4, 16, 6, 1};
	assert_int_equal(neuron_check(&largest, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_golden_values),
	    cmocka_unit_test(test_golden_neuron),
	    cmocka_unit_test(test_parameter_counts),
	    cmocka_unit_test(test_ranges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
