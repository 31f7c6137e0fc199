/* The library's public face: what it trains is what the engine trains, bit for bit; what it refuses, and where. */
#include "tests/unit/training_fixture.h"

#include "engine/library/library.h"
#include "engine/nn/layer.h"
#include "engine/qlstm.h"
#include "schema/spec.h"
#include "tests/unit/allocation.h"

#define CIRCUIT                                                                                                        \
	.n_qubits = 3, .n_qlayers = 1, .depth = 2, .rotation = "X", .measure = "Z", .angle_init = "uniform",           \
	.entangling = "strong"

static const struct qlstm_layer layers[] = {
    {.type = "qlstm", .variant = "linear", .hidden_size = 3, CIRCUIT},
    {.type = "dropout", .p = 0.25},
    {.type = "dense", .units = FIX_TARGETS, .bias = true},
};
static const struct qlstm_model_config config = {.n_inputs = FIX_INPUTS, .n_layers = 3, .layers = layers, .seed = 3};
static const struct qlstm_training training = {.epochs = 4,
                                               .batch_size = 5,
                                               .shuffle = true,
                                               .seed = 3,
                                               .loss = "mse",
                                               .optimizer = "rmsprop",
                                               .learning_rate = 0.01,
                                               .alpha = 0.9,
                                               .momentum = 0.5,
                                               .epsilon = 1e-6,
                                               .clip_norm = 2.0};
static struct windows windows;
static struct qlstm_samples samples;

static int open_samples(void **state)
{
	(void)state;
	random_windows(&windows, 130, 20);
	samples = (struct qlstm_samples){130, 20, FIX_STEPS, windows.x, windows.y};
	return 0;
}

static int close_samples(void **state)
{
	(void)state;
	windows_free(&windows);
	return 0;
}

static struct qlstm_model *new_model(void)
{
	struct qlstm_model *model;
	struct qlstm_error error = {0};
	must(qlstm_model_new(&model, &config, &error), &error);
	return model;
}

/* The same by the engine's own structs. */
static struct model *engine_model(void)
{
	struct model_config inner = {.n_inputs = FIX_INPUTS, .n_outputs = FIX_TARGETS, .n_layers = 3, .plan = "auto"};
	struct qlstm_error error = {0};
	struct model *model;
	inner.layers[0] = (struct layer_config){.type = "qlstm",
	                                        .qlstm = {.recurrent = {.hidden_size = 3},
	                                                  .variant = "linear",
	                                                  .circuit = {.n_qubits = 3,
	                                                              .n_qlayers = 1,
	                                                              .depth = 2,
	                                                              .rotation = PAULI_X,
	                                                              .measure = PAULI_Z,
	                                                              .angle_init = ANGLE_INIT_UNIFORM}}};
	inner.layers[1] = (struct layer_config){.type = "dropout", .dropout = {.p = 0.25}};
	inner.layers[2] = (struct layer_config){.type = "dense", .dense = {.units = FIX_TARGETS, .bias = true}};
	must(model_new(&model, &inner, &error), &error);
	return model;
}

static void check_training(int threads)
{
	struct qlstm_error error = {0};
	struct trainer_config inner = small_training("rmsprop");
	struct qlstm_training outer = training;
	struct model *expected = engine_model();
	struct trainer *reference;
	struct qlstm_model *model = new_model();
	struct qlstm_trainer *trainer;
	struct qlstm_epoch epoch = {0};
	inner.shuffle = true;
	inner.clip_norm = 2.0;
	outer.threads = threads;
	must(trainer_new(&reference, expected, windows_samples(&windows), &inner, &error), &error);
	must(qlstm_trainer_new(&trainer, model, &samples, &outer, &error), &error);
	for (int e = 1; e <= 4; e++) {
		struct epoch_metrics row;
		must(trainer_epoch(reference, NULL, NULL, &row, &error), &error);
		must(qlstm_trainer_epoch(trainer, &epoch, &error), &error);
		assert_true(isnan(epoch.train_accuracy) && isnan(epoch.test_accuracy));
		assert_int_equal(epoch.epoch, e);
		assert_true(epoch.train_loss == epoch_metric(&row, "train_loss") &&
		            epoch.test_loss == epoch_metric(&row, "test_loss"));
		assert_true(epoch.gradient_norm == epoch_metric(&row, "gradient_norm") && epoch.seconds > 0.0);
	}
	assert_int_equal(qlstm_trainer_epoch(trainer, &epoch, &error), ERR_INVALID);
	double y[20 * FIX_TARGETS], all[150 * FIX_TARGETS];
	error = (struct qlstm_error){0};
	must(trainer_predict(reference, 130, 20, y, &error), &error);
	must(qlstm_model_predict(model, windows.x, 150, FIX_STEPS, all, &error), &error);
	assert_memory_equal(all + 130 * FIX_TARGETS, y, sizeof y);
	trainer_free(reference);
	model_free(expected);
	qlstm_trainer_free(trainer);
	must(qlstm_model_predict(model, windows.x, 1, FIX_STEPS, y, &error), &error);
	assert_memory_equal(all, y, FIX_TARGETS * sizeof *y);
	qlstm_model_free(model);
}

static void trains_as_the_engine_does(void **state)
{
	(void)state;
	for (int threads = 0; threads <= 3; threads++)
		check_training(threads);
}

/* A trainer goes on from the weights that the model has. */
static void trainer_keeps_the_weights(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	struct qlstm_model *model = new_model();
	struct qlstm_trainer *trainer;
	struct qlstm_training other = training;
	double before[FIX_TARGETS], after[FIX_TARGETS];
	other.seed = 77;
	must(qlstm_model_predict(model, windows.x, 1, FIX_STEPS, before, &error), &error);
	must(qlstm_trainer_new(&trainer, model, &samples, &other, &error), &error);
	must(qlstm_model_predict(model, windows.x, 1, FIX_STEPS, after, &error), &error);
	assert_memory_equal(before, after, sizeof before);
	qlstm_trainer_free(trainer);
	qlstm_model_free(model);
}

static void counts(void **state)
{
	(void)state;
	struct qlstm_model *model = new_model();
	assert_int_equal(qlstm_model_outputs(model), FIX_TARGETS);
	assert_int_equal(qlstm_model_angles(model), 4 * 2 * 3);
	/* angles, Lin_in 3 x 5, Lin_out 3 x 3, the head 2 x 3, and biases */
	assert_int_equal(qlstm_model_parameters(model), 24 + 15 + 3 + 9 + 3 + 6 + 2);
	qlstm_model_free(model);
	assert_string_equal(qlstm_version(), QLSTM_VERSION);
	assert_string_equal(qlstm_error_name(ERR_CORRUPT), "corrupt");
	qlstm_model_free(NULL);
	qlstm_trainer_free(NULL);
}

static void weights_travel(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	struct qlstm_model_config other = config;
	struct qlstm_model *from = new_model(), *to, *narrow;
	unsigned char *bytes;
	size_t length;
	double expected[FIX_TARGETS], y[FIX_TARGETS];
	other.seed = 4;
	must(qlstm_model_new(&to, &other, &error), &error);
	must(qlstm_model_predict(from, windows.x, 1, FIX_STEPS, expected, &error), &error);
	must(qlstm_model_predict(to, windows.x, 1, FIX_STEPS, y, &error), &error);
	assert_memory_not_equal(y, expected, sizeof y);
	must(qlstm_model_save(from, &bytes, &length, &error), &error);
	assert_int_equal(qlstm_model_load(to, bytes, length - 1, NULL), ERR_CORRUPT);
	must(qlstm_model_load(to, bytes, length, &error), &error);
	must(qlstm_model_predict(to, windows.x, 1, FIX_STEPS, y, &error), &error);
	assert_memory_equal(y, expected, sizeof y);

	const struct qlstm_layer small[] = {
	    {.type = "qlstm", .variant = "linear", .hidden_size = 2, CIRCUIT},
	    {.type = "dropout", .p = 0.25},
	    {.type = "dense", .units = FIX_TARGETS, .bias = true},
	};
	other.layers = small;
	must(qlstm_model_new(&narrow, &other, &error), &error);
	must(qlstm_model_predict(narrow, windows.x, 1, FIX_STEPS, expected, &error), &error);
	assert_int_equal(qlstm_model_load(narrow, bytes, length, &error), ERR_INVALID);
	assert_string_equal(error.message, "'layers.0.linear_in.weight' has shape [3][5]; the model needs [3][4]");
	error = (struct qlstm_error){0};
	must(qlstm_model_predict(narrow, windows.x, 1, FIX_STEPS, y, &error), &error);
	assert_memory_equal(y, expected, sizeof y);
	free(bytes);
	qlstm_model_free(from);
	qlstm_model_free(to);
	qlstm_model_free(narrow);
}

/* Layers as the schema reads them, byte for byte. */
static void layers_are_those_of_the_schema(void **state)
{
	(void)state;
	static const struct {
		const char *json;
		struct qlstm_layer layer;
	} cases[] = {
	    {"{'type':'qlstm','variant':'qdi','hidden_size':4,'n_qubits':5,'n_qlayers':2,'depth':3,'inversward':true,"
	     "'rotation':'Y','measure':'X','entangling':'strong','angle_init':'normal','ansatz':'qdi'}",
	     {.type = "qlstm",
	      .variant = "qdi",
	      .hidden_size = 4,
	      .n_qubits = 5,
	      .n_qlayers = 2,
	      .depth = 3,
	      .inversward = true,
	      .rotation = "Y",
	      .measure = "X",
	      .entangling = "strong",
	      .angle_init = "normal",
	      .ansatz = "qdi",
	      .hadamard = true}},
	    {"{'type':'qgru','variant':'linear','hidden_size':2,'n_qubits':3,'n_qlayers':1,'depth':2,'hadamard':false,"
	     "'rotation':'X','measure':'Z','angle_init':'uniform','ansatz':'basic'}",
	     {.type = "qgru",
	      .variant = "linear",
	      .hidden_size = 2,
	      .n_qubits = 3,
	      .n_qlayers = 1,
	      .depth = 2,
	      .rotation = "X",
	      .measure = "Z",
	      .angle_init = "uniform",
	      .ansatz = "basic"}},
	    {"{'type':'lstm','hidden_size':6,'bidirectional':true}",
	     {.type = "lstm", .hidden_size = 6, .bidirectional = true}},
	    {"{'type':'gru','hidden_size':7}", {.type = "gru", .hidden_size = 7}},
	    {"{'type':'rnn','hidden_size':7,'nonlinearity':'relu'}",
	     {.type = "rnn", .hidden_size = 7, .nonlinearity = "relu"}},
	    {"{'type':'quantum','ansatz':'strong','n_qubits':1,'n_qlayers':1,'depth':1,'rotation':'Z','measure':'Y',"
	     "'encoder':'atan','measurement':'even','angle_init':'uniform','entangling':'basic'}",
	     {.type = "quantum",
	      .ansatz = "strong",
	      .n_qubits = 1,
	      .n_qlayers = 1,
	      .depth = 1,
	      .rotation = "Z",
	      .measure = "Y",
	      .encoder = "atan",
	      .measurement = "even",
	      .angle_init = "uniform",
	      .hadamard = true}},
	    {"{'type':'hqrnn','n_qubits':3,'depth':4,'hidden_size':5,'controller':'gelu','rotations':'ry_rz',"
	     "'entangler':'cz_chain','readouts':'xz','squash':'pi_tanh','initial_state':'learned',"
	     "'reading':'collapse','dropout_p':0.25}",
	     {.type = "hqrnn",
	      .n_qubits = 3,
	      .depth = 4,
	      .hidden_size = 5,
	      .controller = "gelu",
	      .rotations = "ry_rz",
	      .entangler = "cz_chain",
	      .readouts = "xz",
	      .squash = "pi_tanh",
	      .initial_state = "learned",
	      .reading = "collapse",
	      .dropout_p = 0.25}},
	    {"{'type':'dense','units':3,'bias':false}", {.type = "dense", .units = 3}},
	    {"{'type':'dropout','p':0.125}", {.type = "dropout", .p = 0.125}},
	    {"{'type':'activation','function':'elu','negative_slope':0.5,'alpha':2}",
	     {.type = "activation", .function = "elu", .negative_slope = 0.5, .alpha = 2}},
	    {"{'type':'embedding','classes':5,'dimension':3}", {.type = "embedding", .classes = 5, .dimension = 3}},
	    {"{'type':'batch_norm','momentum':0.25,'epsilon':0.5}",
	     {.type = "batch_norm", .momentum = 0.25, .epsilon = 0.5}},
	    {"{'type':'layer_norm','epsilon':0.5}", {.type = "layer_norm", .epsilon = 0.5}},
	    {"{'type':'attention','score':'additive','units':3}",
	     {.type = "attention", .score = "additive", .units = 3}},
	};
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		const struct layer_traits *traits = &layer_type_named(cases[k].layer.type)->traits;
		bool recurrent = traits->recurrent;
		char text[600];
		/* Where it takes no vector, behind it is another recurrent layer. */
		snprintf(text, sizeof text, "{'model':{'layers':[%s%s%s,{'type':'dense'}]}}",
		         recurrent ? "" : "{'type':'lstm','hidden_size':1},", cases[k].json,
		         recurrent || traits->vector ? "" : ",{'type':'lstm','hidden_size':1}");
		for (char *c = text; *c != '\0'; c++)
			*c = *c == '\'' ? '"' : *c;
		json_t *request = NULL, *resolved = NULL;
		struct spec spec;
		struct qlstm_error error = {0};
		must(spec_load(text, strlen(text), &request, &error), &error);
		must(spec_resolve(request, &resolved, &error), &error);
		must(spec_parse(resolved, &spec, &error), &error);
		struct layer_config layer = {0};
		must(library_layer(&cases[k].layer, &layer, &error), &error);
		assert_memory_equal(&layer, &spec.model.layers[recurrent ? 0 : 1], sizeof layer);
		json_decref(request);
		json_decref(resolved);
	}
}

/* A type that is new to the engine needs a row here too. */
static void every_type_is_known(void **state)
{
	(void)state;
	const struct layer_type *type;
	for (int k = 0; (type = layer_type_at(k)) != NULL; k++) {
		struct layer_config layer = {0};
		struct qlstm_error error = {0};
		int rc = library_layer(&(struct qlstm_layer){.type = type->name}, &layer, &error);
		/* A model that measures words is none of the library's: its samples are windows. */
		/* Nor are circuits as text, and translations. */
		bool text = strcmp(type->name, "circuit") == 0 || type->traits.decodes;
		assert_true(rc == 0 || rc == ERR_MISSING || (rc == ERR_NOT_FOUND && (type->traits.words || text)));
	}
}

/* 0 stands for the usual constant, which is the schema's default. */
static void usual_constants_are_the_defaults_of_the_schema(void **state)
{
	(void)state;
	static const struct {
		const char *optimizer, *constant;
		double value;
	} cases[] = {{"adam", "beta1", 0.9},
	             {"adam", "beta2", 0.999},
	             {"adam", "epsilon", 1e-8},
	             {"rmsprop", "alpha", 0.99},
	             {"rmsprop", "epsilon", 1e-8}};
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		char text[120];
		snprintf(text, sizeof text, "{\"training\":{\"optimizer\":{\"type\":\"%s\"}}}", cases[k].optimizer);
		json_t *request = NULL, *resolved = NULL;
		struct qlstm_error error = {0};
		must(spec_load(text, strlen(text), &request, &error), &error);
		must(spec_resolve(request, &resolved, &error), &error);
		const json_t *optimizer = json_object_get(json_object_get(resolved, "training"), "optimizer");
		assert_true(json_number_value(json_object_get(optimizer, cases[k].constant)) == cases[k].value);
		json_decref(request);
		json_decref(resolved);
	}
	/* The last of them is what training does. */
	struct qlstm_error error = {0};
	struct qlstm_training given = training, usual = training;
	struct qlstm_epoch epochs[2];
	given.alpha = 0.99, given.epsilon = 1e-8;
	usual.alpha = 0.0, usual.epsilon = 0.0;
	for (int k = 0; k < 2; k++) {
		struct qlstm_model *model = new_model();
		struct qlstm_trainer *trainer;
		must(qlstm_trainer_new(&trainer, model, &samples, k == 0 ? &given : &usual, &error), &error);
		must(qlstm_trainer_epoch(trainer, &epochs[k], &error), &error);
		qlstm_trainer_free(trainer);
		qlstm_model_free(model);
	}
	assert_true(epochs[0].test_loss == epochs[1].test_loss);
}

static void refused(int rc, const struct qlstm_error *error, int code, const char *pointer)
{
	if (rc != code || strcmp(error->pointer, pointer) != 0)
		fail_msg("%d at '%s' (%s), not %d at '%s'", rc, error->pointer, error->message, code, pointer);
}

/* Layer 0 of a model of two. */
static const struct {
	struct qlstm_layer layer;
	int code;
	const char *pointer;
} refused_layers[] = {
    {{.hidden_size = 3}, ERR_MISSING, "/layers/0/type"},
    {{.type = "lstmm", .hidden_size = 3}, ERR_NOT_FOUND, "/layers/0/type"},
    {{.type = "lstm"}, ERR_MISSING, "/layers/0/hidden_size"},
    {{.type = "lstm", .hidden_size = -1}, ERR_OUT_OF_RANGE, "/layers/0/hidden_size"},
    {{.type = "lstm", .hidden_size = 65537}, ERR_OUT_OF_RANGE, "/layers/0/hidden_size"},
    {{.type = "lstm", .hidden_size = 3, .n_qubits = 4}, ERR_UNKNOWN_FIELD, "/layers/0/n_qubits"},
    {{.type = "lstm", .hidden_size = 3, .bias = true}, ERR_UNKNOWN_FIELD, "/layers/0/bias"},
    {{.type = "lstm", .hidden_size = 3, .p = 0.5}, ERR_UNKNOWN_FIELD, "/layers/0/p"},
    {{.type = "lstm", .hidden_size = 3, .variant = "qdi"}, ERR_UNKNOWN_FIELD, "/layers/0/variant"},
    {{.type = "lstm", .hidden_size = 3, .inversward = true, .bidirectional = true},
     ERR_INVALID,
     "/layers/0/bidirectional"},
    {{.type = "rnn", .hidden_size = 3}, ERR_MISSING, "/layers/0/nonlinearity"},
    {{.type = "rnn", .hidden_size = 3, .nonlinearity = "gelu"}, ERR_NOT_FOUND, "/layers/0/nonlinearity"},
    {{.type = "qlstm",
      .variant = "qdi",
      .hidden_size = 3,
      .n_qubits = 4,
      .n_qlayers = 1,
      .depth = 1,
      .rotation = "Z",
      .measure = "Y",
      .angle_init = "uniform"},
     ERR_MISSING,
     "/layers/0/entangling"},
    {{.type = "qlstm",
      .variant = "linear",
      .hidden_size = 3,
      .n_qubits = 4,
      .n_qlayers = 1,
      .depth = 1,
      .measure = "Y",
      .angle_init = "uniform"},
     ERR_MISSING,
     "/layers/0/rotation"},
    {{.type = "qlstm", .variant = "a variant of a long name", .hidden_size = 3, CIRCUIT},
     ERR_NOT_FOUND,
     "/layers/0/variant"},
    {{.type = "qlstm", .variant = "linea", .hidden_size = 3, CIRCUIT}, ERR_NOT_FOUND, "/layers/0/variant"},
    {{.type = "qlstm",
      .variant = "linear",
      .hidden_size = 3,
      .n_qubits = 26,
      .n_qlayers = 1,
      .depth = 1,
      .rotation = "X",
      .measure = "Z",
      .angle_init = "uniform"},
     ERR_OUT_OF_RANGE,
     "/layers/0/n_qubits"},
};

static void layers_are_refused(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof refused_layers / sizeof refused_layers[0]; k++) {
		const struct qlstm_layer stack[] = {refused_layers[k].layer, {.type = "dense", .units = 1}};
		const struct qlstm_model_config wrong = {.n_inputs = 1, .n_layers = 2, .layers = stack};
		struct qlstm_error error = {0};
		struct qlstm_model *model = (void *)&error;
		refused(qlstm_model_new(&model, &wrong, &error), &error, refused_layers[k].code,
		        refused_layers[k].pointer);
		assert_null(model);
	}
}

/* What the papers' circuits do not read. */
static void unread_fields_may_be_absent(void **state)
{
	(void)state;
	const struct qlstm_layer stack[] = {{.type = "qlstm",
	                                     .variant = "chen2024",
	                                     .hidden_size = 2,
	                                     .n_qubits = 4,
	                                     .n_qlayers = 1,
	                                     .depth = 1,
	                                     .measure = "Z",
	                                     .angle_init = "normal"},
	                                    {.type = "dense", .units = 1}};
	const struct qlstm_model_config right = {.n_inputs = 1, .n_layers = 2, .layers = stack};
	struct qlstm_error error = {0};
	struct qlstm_model *model;
	must(qlstm_model_new(&model, &right, &error), &error);
	qlstm_model_free(model);
}

static void models_are_refused(void **state)
{
	(void)state;
	struct qlstm_model_config cases[7];
	static const struct {
		int code;
		const char *pointer;
	} expected[] = {{ERR_OUT_OF_RANGE, "/n_inputs"}, {ERR_OUT_OF_RANGE, "/n_inputs"},
	                {ERR_OUT_OF_RANGE, "/n_layers"}, {ERR_OUT_OF_RANGE, "/n_layers"},
	                {ERR_INVALID, "/layers"},        {ERR_NOT_FOUND, "/plan"},
	                {ERR_NOT_FOUND, "/plan"}};
	for (size_t k = 0; k < 7; k++)
		cases[k] = config;
	cases[0].n_inputs = 0;
	cases[1].n_inputs = 4097;
	cases[2].n_layers = 0;
	cases[3].n_layers = 17;
	cases[4].n_layers = 2;
	cases[5].plan = "a plan of a very long name";
	cases[6].plan = "bath";
	for (size_t k = 0; k < 7; k++) {
		struct qlstm_error error = {0};
		struct qlstm_model *model;
		refused(qlstm_model_new(&model, &cases[k], &error), &error, expected[k].code, expected[k].pointer);
		assert_null(model);
	}
}

static void training_is_refused(void **state)
{
	(void)state;
	enum { N = 16 };
	struct qlstm_training cases[N];
	struct qlstm_samples sets[N];
	static const struct {
		int code;
		const char *pointer;
	} expected[N] = {
	    {ERR_OUT_OF_RANGE, "/epochs"},  {ERR_OUT_OF_RANGE, "/batch_size"}, {ERR_OUT_OF_RANGE, "/threads"},
	    {ERR_OUT_OF_RANGE, "/threads"}, {ERR_OUT_OF_RANGE, "/clip_norm"},  {ERR_MISSING, "/loss"},
	    {ERR_MISSING, "/optimizer"},    {ERR_MISSING, "/learning_rate"},   {ERR_OUT_OF_RANGE, "/learning_rate"},
	    {ERR_NOT_FOUND, "/loss"},       {ERR_NOT_FOUND, "/loss"},          {ERR_NOT_FOUND, "/optimizer"},
	    {ERR_OUT_OF_RANGE, "/steps"},   {ERR_INVALID, "/n_train"},         {ERR_INVALID, "/n_test"},
	    {ERR_OUT_OF_RANGE, "/y"},
	};
	for (int k = 0; k < N; k++)
		cases[k] = training, sets[k] = samples;
	cases[0].epochs = 0;
	cases[1].batch_size = -3;
	cases[2].threads = -1;
	cases[3].threads = 257;
	cases[4].clip_norm = NAN;
	cases[5].loss = NULL;
	cases[6].optimizer = NULL;
	cases[7].learning_rate = 0.0;
	cases[8].learning_rate = INFINITY;
	cases[9].loss = "msee";
	cases[10].loss = "a loss of a very long name";
	cases[11].optimizer = "an optimizer of a very long name";
	sets[12].steps = 0;
	sets[13].n_train = 0;
	sets[14].n_test = 0;
	cases[15].loss = "cross_entropy"; /* the targets are no classes */
	struct qlstm_model *model = new_model();
	for (int k = 0; k < N; k++) {
		struct qlstm_error error = {0};
		struct qlstm_trainer *trainer;
		refused(qlstm_trainer_new(&trainer, model, &sets[k], &cases[k], &error), &error, expected[k].code,
		        expected[k].pointer);
		assert_null(trainer);
	}
	struct qlstm_error error = {0};
	double y[FIX_TARGETS];
	refused(qlstm_model_predict(model, windows.x, 1, 0, y, &error), &error, ERR_OUT_OF_RANGE, "/steps");
	assert_int_equal(qlstm_model_predict(model, windows.x, 0, FIX_STEPS, y, NULL), 0);
	qlstm_model_free(model);
}

/* Two classes, told by the sign of the first number: learnt within a few epochs. */
static void classes_are_learnt(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	double classes[150];
	for (size_t k = 0; k < 150; k++)
		classes[k] = windows.x[k * FIX_STEPS * FIX_INPUTS] > 0.0;
	struct qlstm_samples set = samples;
	struct qlstm_training plan = training;
	struct qlstm_model *model = new_model();
	struct qlstm_trainer *trainer;
	struct qlstm_epoch first, last = {0};
	set.y = classes;
	plan.loss = "cross_entropy";
	plan.epochs = 30;
	must(qlstm_trainer_new(&trainer, model, &set, &plan, &error), &error);
	must(qlstm_trainer_epoch(trainer, &first, &error), &error);
	while (last.epoch < 30)
		must(qlstm_trainer_epoch(trainer, &last, &error), &error);
	assert_true(last.train_loss < 0.5 * first.train_loss);
	assert_true(last.test_accuracy > 0.8 && last.test_accuracy <= 1.0 && last.train_accuracy > 0.8);
	classes[149] = 2.0;
	qlstm_trainer_free(trainer);
	refused(qlstm_trainer_new(&trainer, model, &set, &plan, &error), &error, ERR_OUT_OF_RANGE, "/y");
	qlstm_model_free(model);
}

static int use_all(void)
{
	struct qlstm_model *model = NULL;
	struct qlstm_trainer *trainer = NULL;
	struct qlstm_epoch epoch;
	unsigned char *bytes = NULL;
	size_t length = 0;
	double y[FIX_TARGETS];
	int rc = qlstm_model_new(&model, &config, NULL);
	if (rc == 0)
		rc = qlstm_trainer_new(&trainer, model, &samples, &training, NULL);
	if (rc == 0)
		rc = qlstm_trainer_epoch(trainer, &epoch, NULL);
	if (rc == 0)
		rc = qlstm_model_predict(model, windows.x, 1, FIX_STEPS, y, NULL);
	if (rc == 0)
		rc = qlstm_model_save(model, &bytes, &length, NULL);
	if (rc == 0)
		rc = qlstm_model_load(model, bytes, length, NULL);
	assert_true(bytes != NULL || rc != 0);
	free(bytes);
	qlstm_trainer_free(trainer);
	qlstm_model_free(model);
	return rc;
}

static void every_allocation_may_fail(void **state)
{
	(void)state;
	assert_every_allocation_may_fail(use_all, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(trains_as_the_engine_does),
	    cmocka_unit_test(trainer_keeps_the_weights),
	    cmocka_unit_test(counts),
	    cmocka_unit_test(weights_travel),
	    cmocka_unit_test(layers_are_those_of_the_schema),
	    cmocka_unit_test(every_type_is_known),
	    cmocka_unit_test(usual_constants_are_the_defaults_of_the_schema),
	    cmocka_unit_test(layers_are_refused),
	    cmocka_unit_test(unread_fields_may_be_absent),
	    cmocka_unit_test(models_are_refused),
	    cmocka_unit_test(training_is_refused),
	    cmocka_unit_test(classes_are_learnt),
	    cmocka_unit_test(every_allocation_may_fail),
	};
	return cmocka_run_group_tests(tests, open_samples, close_samples);
}
