/* Golden values of the hybrid network: those of this project's reference, of a plain scalar program, confirmed by a
 * second one with explicit Kronecker products and automatic differentiation. */
#include "tests/unit/hqrnn_fixture.h"

#include "tests/unit/hybrid_fixture.h"

static const double inputs[3][2] = {{0.5, -0.25}, {1.0, 0.75}, {-0.5, 0.25}};

/* Classification of three steps, read at the last one, target class 1: loss, z of the last step, gradient in params. */
static struct model *classify(struct layer_config layer, double *loss)
{
	struct model_config config = one_layer(layer, 2, 2, "auto");
	struct model *model = open_model(&config, 3, 1);
	struct params *params = model_params(model);
	double logits[2], d_logits[2];
	set_golden(params->values, params->size);
	model_forward(model, &inputs[0][0], 3, 1, logits);
	*loss = cross_entropy(logits, 1, 2, (const int[]){1}, d_logits);
	params_zero_gradients(params);
	model_backward(model, d_logits, NULL);
	return model;
}

static void test_classification(void **state)
{
	(void)state;
	static const double z[3][9] = {{-0.0620736421, 0.0533064785, 0.8656229000, -0.0375033009, 0.0316506819,
	                                0.8506865152, -0.0129810554, -0.0225632739, 0.7602627558},
	                               {0.0360361032, -0.0439389091, 0.7357445840, 0.1609205139, -0.3444435052,
	                                0.6277587553, -0.0462423883, 0.1620940480, 0.8054562232},
	                               {-0.0415483006, -0.5711803633, 0.7059514461, 0.2549435457, -0.1793198219,
	                                0.7125061956, 0.0535433101, 0.2045436274, 0.7629927812}};
	static const struct entry entries[] = {{0, 0.000439641786},    {10, -0.009691632762},  {11, -0.007700873033},
	                                       {43, 0.015416784792},   {44, 0.000095915703},   {87, -0.006431278004},
	                                       {88, 0.060569926915},   {91, -0.061660691728},  {92, 0.011823668266},
	                                       {95, 0.017293830588},   {96, 0.062496373394},   {99, 0.024541040154},
	                                       {131, -0.001935993378}, {132, -0.023825516921}, {140, 0.055143784179},
	                                       {141, -0.021912728949}, {149, 0.402405242683},  {150, 0.021912728949},
	                                       {158, -0.402405242683}, {159, 0.527403735166},  {160, -0.527403735166}};
	double loss, sum = 0.0, logits[2];
	int width;
	struct model *model = classify(hqrnn_layer(), &loss);
	const struct params *params = model_params(model);
	assert_int_equal(params->size, 161);
	assert_near(loss, 0.7495138177011953, 1e-14);
	assert_near(norm_of(params->gradients, 161), 1.5186677215144, 1e-12);
	for (size_t k = 0; k < 161; k++)
		sum += params->gradients[k];
	assert_near(sum, 2.75725209425044, 1e-12);
	assert_entries(params->gradients, entries, sizeof entries / sizeof *entries, 6e-13);
	for (int steps = 1; steps <= 3; steps++) {
		model_forward(model, &inputs[0][0], steps, 1, logits);
		assert_values(model_hidden(model, &width), z[steps - 1], 9, 6e-11);
		assert_int_equal(width, 9);
	}
	assert_near(logits[0], 0.023710608947, 6e-13);
	assert_near(logits[1], -0.086014285892, 6e-13);
	model_free(model);
}

/* The first step of the same, from its angles on. */
static void test_first_state(void **state)
{
	(void)state;
	static const double theta[9] = {0.2621825380,  0.4290534152, -0.1884307982, -0.1194157771, -0.2216991844,
	                                -0.2659464839, 0.4059983900, 0.2338391909,  -0.0094814917};
	static const double psi[8][2] = {{0.8960921308, 0.2688440529},  {0.0048613894, 0.0052137768},
	                                 {-0.0003053148, 0.0280016553}, {0.2123466680, -0.1078290705},
	                                 {-0.0099055352, 0.0284113669}, {0.1553082448, -0.1581399161},
	                                 {0.0008477273, -0.0564173400}, {-0.1051670493, 0.0539499535}};
	const struct hybrid_shape shape = {3, 1, HYBRID_RX_RY_RZ, HYBRID_CNOT_RING, HYBRID_XYZ};
	struct laid_out at = hybrid_laid_out(&shape, PRECISION_FLOAT64, 1);
	double z[9];
	hybrid_start(at.cell, 1);
	hybrid_step(at.cell, theta, z);
	for (size_t i = 0; i < 8; i++) {
		double amplitude[2];
		hybrid_amplitude(at.cell, 0, i, amplitude);
		assert_values(amplitude, psi[i], 2, 3e-10);
	}
	hybrid_release(&at);
}

static void test_variants(void **state)
{
	(void)state;
	static const struct {
		enum hqrnn_controller controller;
		int depth;
		enum hybrid_rotations rotations;
		enum hybrid_entangler entangler;
		enum hybrid_readouts readouts;
		size_t parameters, n;
		double loss, norm, z[9];
	} rows[] = {
	    {CONTROLLER_LINEAR,
	     1,
	     HYBRID_RX_RY_RZ,
	     HYBRID_CNOT_RING,
	     HYBRID_XYZ,
	     113,
	     9,
	     0.598343119498962,
	     1.428443966938626,
	     {.2141884056, -.1693447868, .6768225658, -.4643775116, .3676309155, .5283529010, .1617751792, .2300346650,
	      .5762066746}},
	    {CONTROLLER_RELU,
	     1,
	     HYBRID_RX_RY_RZ,
	     HYBRID_CNOT_RING,
	     HYBRID_XYZ,
	     113,
	     9,
	     0.698140456133011,
	     1.503378781665642,
	     {.0861312774, -.0257858719, .8140990115, -.5128989628, .1080003467, .6867400516, .1323800623, .0402129237,
	      .7869688937}},
	    {CONTROLLER_GELU,
	     1,
	     HYBRID_RX_RY_RZ,
	     HYBRID_CNOT_RING,
	     HYBRID_XYZ,
	     113,
	     9,
	     0.689736248600256,
	     1.478218598534490,
	     {.0769991114, -.0166146647, .8406094900, -.4102619641, .2511484044, .7408895214, .1916790206, .0871459730,
	      .8028145150}},
	    {CONTROLLER_GLU,
	     2,
	     HYBRID_RY_RZ,
	     HYBRID_CZ_CHAIN,
	     HYBRID_XYZ,
	     176,
	     9,
	     .759410310418720,
	     2.269014157925487,
	     {.3564251107, .6417361533, .6382740249, .0384227179, .0200318237, .9479908837, -.2450500600, .9051886595,
	      .1557856227}},
	    {CONTROLLER_GLU,
	     1,
	     HYBRID_RX_RY_RZ,
	     HYBRID_CNOT_CHAIN,
	     HYBRID_Z,
	     101,
	     3,
	     .703458705232565,
	     1.384623452227196,
	     {.8494624697, .5463354014, .4392941814}},
	    {CONTROLLER_GLU,
	     2,
	     HYBRID_RY,
	     HYBRID_CNOT_RING,
	     HYBRID_XZ,
	     116,
	     6,
	     .793259008853525,
	     1.225732361361117,
	     {.2921807886, .7514233664, .0588976152, .6179817626, .0102255547, .6768916713}},
	    {CONTROLLER_GLU,
	     2,
	     HYBRID_RX_RY_RZ,
	     HYBRID_CZ_RING,
	     HYBRID_XYZ,
	     206,
	     9,
	     .708448047498756,
	     2.155642784721397,
	     {.2043152837, -.0656324112, .6180662919, -.2195507467, -.2833490631, .5226704301, -.0515295970,
	      -.4185811132, .6372747692}},
	};
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		struct layer_config layer = hqrnn_layer();
		double loss;
		int width;
		layer.hqrnn.controller = rows[k].controller;
		layer.hqrnn.depth = rows[k].depth;
		layer.hqrnn.rotations = rows[k].rotations;
		layer.hqrnn.entangler = rows[k].entangler;
		layer.hqrnn.readouts = rows[k].readouts;
		struct model *model = classify(layer, &loss);
		const struct params *params = model_params(model);
		assert_int_equal(params->size, rows[k].parameters);
		assert_near(loss, rows[k].loss, 1e-13);
		assert_near(norm_of(params->gradients, params->size), rows[k].norm, 1e-12);
		assert_values(model_hidden(model, &width), rows[k].z, rows[k].n, 6e-11);
		assert_int_equal(width, rows[k].n);
		model_free(model);
	}
}

/* A language model of five tokens, with a head at every step. */
static void test_language_model(void **state)
{
	(void)state;
	static const double tokens[3] = {1, 3, 0};
	static const double z[3][9] = {{0.0035796335, -0.0084635298, 0.8729759798, -0.0306188291, 0.0702851191,
	                                0.8475476683, -0.0006779370, 0.0244037584, 0.8184784476},
	                               {-0.0086493954, -0.0083439652, 0.8724561326, 0.0835845894, 0.3327177083,
	                                0.7515331559, 0.0048945839, -0.2535321410, 0.8107199488},
	                               {-0.1879894716, 0.1802924508, 0.8332767793, -0.0290063190, 0.3841497456,
	                                0.7987536120, 0.1041611995, -0.2479086363, 0.8270789092}};
	static const struct entry entries[] = {{0, -0.000332009088},   {2, -0.002567523328}, {3, -0.012511943963},
	                                       {6, -0.005056227657},   {7, -0.014850907379}, {10, -0.000090002075},
	                                       {151, -0.011955305105}, {200, 0.253237387733}};
	struct model_config config = {
	    .n_inputs = 1, .n_outputs = 5, .output = MODEL_OUTPUT_SEQUENCE, .n_layers = 3, .plan = "auto"};
	config.layers[0] = (struct layer_config){.type = "embedding", .embedding = {5, 2}};
	config.layers[1] = hqrnn_layer();
	config.layers[2] = (struct layer_config){.type = "dense", .dense = {.units = 5, .bias = true}};
	struct model *model = open_model(&config, 3, 1);
	struct params *params = model_params(model);
	double logits[15], d_logits[15];
	int width;
	assert_int_equal(params->size, 201);
	set_golden(params->values, params->size);
	model_forward(model, tokens, 3, 1, logits);
	assert_values(model_hidden(model, &width), &z[0][0], 27, 6e-11);
	double loss = cross_entropy(logits, 3, 5, (const int[]){3, 0, 2}, d_logits);
	assert_near(loss, 1.7853345382007455, 1e-14);
	assert_near(exp(loss), 5.961573988258, 1e-11);
	params_zero_gradients(params);
	model_backward(model, d_logits, NULL);
	assert_near(norm_of(params->gradients, 201), 0.819322143092133, 1e-13);
	assert_entries(params->gradients, entries, sizeof entries / sizeof *entries, 6e-13);
	assert_true(params->gradients[4] == 0.0); /* token 2 never comes in */
	model_free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_classification),
	    cmocka_unit_test(test_first_state),
	    cmocka_unit_test(test_variants),
	    cmocka_unit_test(test_language_model),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
