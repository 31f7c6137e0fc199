/* The contract: what a request may say, what it becomes, and what is said about it when it may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "tests/unit/request.h"

struct bad {
	const char *request;
	int code;
	const char *pointer, *message; /* the message: a part of it */
};

static const struct bad bad_requests[] = {
    /* not JSON */
    {"", ERR_SYNTAX, "", "line 1"},
    {"{'name': }", ERR_SYNTAX, "", "line 1, column 10"},
    {"{\n'name': 'a',\n'name': 'b'}", ERR_SYNTAX, "", "line 3, column 6: duplicate object key"},
    {"{'model':{'depth':1,'depth':2}}", ERR_SYNTAX, "", "duplicate object key"},
    {"{'training':{'seed':99999999999999999999}}", ERR_OUT_OF_RANGE, "/training/seed",
     "line 1, column 40: seed is 99999999999999999999, which is too large"},
    {"{'name':'a','tags':[1,[2]],\n'limits':{'max_attempts':3},'hidden_size':9223372036854775808}", ERR_OUT_OF_RANGE,
     "/hidden_size", "hidden_size is 9223372036854775808"},
    {"{'data':{'inputs':['a',-9223372036854775809]}}", ERR_OUT_OF_RANGE, "/data/inputs/1", "inputs[1] is -9223372"},
    {"1e400", ERR_OUT_OF_RANGE, "", "the request is 1e400"},
    {"[[[[[[[[[[[[[[[[[[1e400]]]]]]]]]]]]]]]]]]", ERR_OUT_OF_RANGE, "", "a number that is too large"},
    {"{'training':{'clip_norm':1e999}}", ERR_OUT_OF_RANGE, "/training/clip_norm", "clip_norm is 1e999"},
    {"{'name':'a\\u0000b'}", ERR_SYNTAX, "", ": a string holds the NUL character"},
    {"{'a\\u0000b':1}", ERR_SYNTAX, "", ": a string holds the NUL character"},
    {"{'name':'a\\u001b[2J'}", ERR_INVALID, "/name", "name holds a control character, byte 2; it must be one line"},
    {"{'project':'\\u007f'}", ERR_INVALID, "/project", "project holds a control character, byte 1"},
    {"{'tags':['a','b\\u009b']}", ERR_INVALID, "/tags/1", "tags[1] holds a control character, byte 2"},
    {"{'name':'a\\nb'}", ERR_INVALID, "/name", "name holds a control character, byte 2"},
    {"{'name':'\xff'}", ERR_SYNTAX, "", "unable to decode byte 0xff"},
    /* wrong types */
    {"[]", ERR_WRONG_TYPE, "", "the request is an array; it must be an object"},
    {"'text'", ERR_WRONG_TYPE, "", "the request is 'text'"},
    {"null", ERR_WRONG_TYPE, "", "the request is null"},
    {"{'training':{'epochs':'100'}}", ERR_WRONG_TYPE, "/training/epochs",
     "epochs is '100'; it must be an integer from 1 to 100000"},
    {"{'training':{'epochs':2.5}}", ERR_WRONG_TYPE, "/training/epochs", "epochs is 2.5; it must be an integer"},
    {"{'training':{'epochs':true}}", ERR_WRONG_TYPE, "/training/epochs", "epochs is true; it must be an integer"},
    {"{'training':{'shuffle':1}}", ERR_WRONG_TYPE, "/training/shuffle",
     "shuffle is 1; it must be a boolean (true or false)"},
    {"{'training':{'clip_norm':null}}", ERR_WRONG_TYPE, "/training/clip_norm",
     "clip_norm is null; it must be a number from 0 to 1000000"},
    {"{'training':[]}", ERR_WRONG_TYPE, "/training", "training is an array; it must be an object"},
    {"{'model':'lstm'}", ERR_WRONG_TYPE, "/model", "model is 'lstm'; it must be an object"},
    {"{'n_qubits':4,'model':'lstm'}", ERR_WRONG_TYPE, "/model", "model is 'lstm'; it must be an object"},
    {"{'model':{'layers':{}}}", ERR_WRONG_TYPE, "/model/layers", "layers is an object; it must be an array"},
    {"{'data':{'inputs':'value'}}", ERR_WRONG_TYPE, "/data/inputs", "it must be an array"},
    {"{'data':{'inputs':['value',1.5]}}", ERR_WRONG_TYPE, "/data/inputs/1",
     "inputs[1] is 1.5; it must be a string or an integer, at least 0"},
    {"{'data':{'scaling':{}}}", ERR_WRONG_TYPE, "/data/scaling", "scaling is an object; allowed are 'minmax'"},
    {"{'tags':[1]}", ERR_WRONG_TYPE, "/tags/0", "tags[0] is 1; it must be a string"},
    {LAYERS("3"), ERR_WRONG_TYPE, "/model/layers/0", "layers[0] is 3; it must be an object"},
    {LAYERS("{'type':3}"), ERR_WRONG_TYPE, "/model/layers/0/type", "type is 3; allowed are 'qlstm'"},
    {"{'hidden_size':'5'}", ERR_WRONG_TYPE, "/hidden_size", "hidden_size is '5'; it must be an integer from 1 to 1000"},
    {"{'type':1}", ERR_WRONG_TYPE, "/type", "type is 1"},
    /* ranges */
    {"{'n_qubits':26}", ERR_OUT_OF_RANGE, "/n_qubits", "n_qubits is 26; allowed are 1 to 25"},
    {"{'num_qubits':26}", ERR_OUT_OF_RANGE, "/num_qubits", "num_qubits is 26; allowed are 1 to 25"},
    {"{'model':{'n_qubits':0}}", ERR_OUT_OF_RANGE, "/model/n_qubits", "n_qubits is 0; allowed are 1 to 25"},
    {LAYERS("{'type':'qlstm','n_qubits':26},{'type':'dense'}"), ERR_OUT_OF_RANGE, "/model/layers/0/n_qubits",
     "n_qubits is 26; allowed are 1 to 25"},
    {"{'training':{'num_epochs':0}}", ERR_OUT_OF_RANGE, "/training/num_epochs",
     "num_epochs is 0; allowed are 1 to 100000"},
    {"{'training':{'epochs':1e15}}", ERR_OUT_OF_RANGE, "/training/epochs", "epochs is 1e+15; allowed"},
    {"{'training':{'seed':9007199254740992}}", ERR_OUT_OF_RANGE, "/training/seed", "0 to 9007199254740991"},
    {"{'data':{'split':{'train':1}}}", ERR_OUT_OF_RANGE, "/data/split/train",
     "train is 1; it must be greater than 0 and less than 1"},
    {"{'training':{'optimizer':{'learning_rate':0}}}", ERR_OUT_OF_RANGE, "/training/optimizer/learning_rate",
     "learning_rate is 0; it must be greater than 0 and at most 100"},
    {"{'training':{'optimizer':{'alpha':1.25}}}", ERR_OUT_OF_RANGE, "/training/optimizer/alpha",
     "alpha is 1.25; it must be at least 0 and less than 1"},
    {"{'data':{'inputs':[-1]}}", ERR_OUT_OF_RANGE, "/data/inputs/0", "inputs[0] is -1; it must be at least 0"},
    {"{'data':{'inputs':[]}}", ERR_OUT_OF_RANGE, "/data/inputs", "inputs has 0 items; allowed are 1 to 1024"},
    {"{'data':{'dataset':''}}", ERR_OUT_OF_RANGE, "/data/dataset", "dataset has 0 characters; allowed are 1 to"},
    {"{'model':{'layers':[]}}", ERR_OUT_OF_RANGE, "/model/layers", "layers has 0 items; allowed are 1 to 16"},
    /* choices */
    {"{'data':{'scaling':'foo'}}", ERR_INVALID, "/data/scaling",
     "scaling is 'foo'; allowed are 'minmax', 'standard', 'max', 'robust', 'none'"},
    {"{'data':{'scaling':'minmx'}}", ERR_INVALID, "/data/scaling", "did you mean 'minmax'?"},
    {"{'variant':'chen2021'}", ERR_INVALID, "/variant", "'qdi', 'linear', 'chen2020', 'chen2024'"},
    {LAYERS("{'type':'qlstn'}"), ERR_INVALID, "/model/layers/0/type",
     "type is 'qlstn'; allowed are 'qlstm', 'lstm', 'gru', 'rnn', 'qgru', 'qrnn', 'hqrnn', 'quantum', 'dense', "
     "'dropout', "
     "'activation', 'embedding', 'circuit', 'batch_norm', 'layer_norm', 'attention', 'decoder'; did you mean "
     "'qlstm'?"},
    {"{'type':'dense'}", ERR_INVALID, "/type", "type is 'dense'; allowed are 'qlstm', 'lstm', 'gru', 'rnn', 'qgru'"},
    {"{'model':{'type':'gnu'}}", ERR_INVALID, "/model/type",
     "allowed are 'qlstm', 'lstm', 'gru', 'rnn', 'qgru', 'qrnn', 'hqrnn'; did you mean 'gru'?"},
    /* unknown fields */
    {"{'training':{'epoch':1}}", ERR_UNKNOWN_FIELD, "/training/epoch", "unknown field 'epoch'; did you mean 'epochs'?"},
    {"{'epochs':5}", ERR_UNKNOWN_FIELD, "/epochs", "unknown field 'epochs'; it belongs to /training/epochs"},
    {"{'num_epochs':5}", ERR_UNKNOWN_FIELD, "/num_epochs", "it belongs to /training/epochs"},
    {"{'training':{'learning_rate':0.1}}", ERR_UNKNOWN_FIELD, "/training/learning_rate",
     "it belongs to /training/optimizer/learning_rate"},
    {"{'n_qubit':4}", ERR_UNKNOWN_FIELD, "/n_qubit", "did you mean 'n_qubits'?"},
    {"{'model':{'n_qubit':4}}", ERR_UNKNOWN_FIELD, "/model/n_qubit", "did you mean 'n_qubits'?"},
    {"{'model':{'layer':[]}}", ERR_UNKNOWN_FIELD, "/model/layer", "did you mean 'layers'?"},
    {"{'units':4}", ERR_UNKNOWN_FIELD, "/units", "it belongs to /model/layers/N/units of a layer of type 'dense'"},
    {"{'a/b~c':4}", ERR_UNKNOWN_FIELD, "/a~1b~0c", "unknown field 'a/b~c'"},
    {"{'type':'lstm','n_qubits':4}", ERR_UNKNOWN_FIELD, "/n_qubits", "of a layer of type 'qlstm'"},
    {LAYERS("{'type':'lstm','hiden_size':4}"), ERR_UNKNOWN_FIELD, "/model/layers/0/hiden_size",
     "did you mean 'hidden_size'?"},
    {LAYERS("{'type':'lstm'},{'type':'dense','bia':true}"), ERR_UNKNOWN_FIELD, "/model/layers/1/bia",
     "did you mean 'bias'?"},
    {"{'data':{'split':{'test':0.2}}}", ERR_UNKNOWN_FIELD, "/data/split/test",
     "unknown field 'test'; known are 'train'"},
    {"{'limits':{'xyzzy':1}}", ERR_UNKNOWN_FIELD, "/limits/xyzzy", "known are 'max_seconds', 'max_attempts'"},
    {"{'xyzzyxyzzy':1}", ERR_UNKNOWN_FIELD, "/xyzzyxyzzy",
     "known are 'name', 'project', 'tags', 'notes', 'priority', "},
    {"{'xyzzyxyzzy':1}", ERR_UNKNOWN_FIELD, "/xyzzyxyzzy", ", ..."},
    /* missing, and what does not fit the rest */
    {LAYERS("{'hidden_size':3}"), ERR_MISSING, "/model/layers/0/type", "type is missing; allowed are 'qlstm'"},
    {LAYERS("{'type':'dense'},{'type':'lstm'}"), ERR_MISSING, "/model/layers/0/units", "units is missing"},
    {LAYERS("{'type':'dense'}"), ERR_INVALID, "/model/layers",
     "no recurrent layer; at least one is needed, of type 'qlstm', 'lstm', 'gru', 'rnn', 'qgru'"},
    {LAYERS("{'type':'lstm'},{'type':'dense','units':2}"), ERR_INVALID, "/model/layers/1/units",
     "units is 2; the last layer needs 1"},
    {"{'n_qubits':4,'model':{'layers':[{'type':'lstm'}]}}", ERR_INVALID, "/n_qubits",
     "n_qubits is a field of a layer and cannot stand beside model.layers"},
    {"{'model':{'depth':4,'layers':[{'type':'lstm'}]}}", ERR_INVALID, "/model/depth",
     "cannot stand beside model.layers"},
    {"{'depth':1,'model':{'depth':2}}", ERR_INVALID, "/model/depth", "given twice, at /depth and at /model/depth"},
    {"{'n_qubits':4,'num_qubits':4}", ERR_INVALID, "/num_qubits", "n_qubits and num_qubits are names of the same"},
    {"{'training':{'epochs':4,'num_epochs':4}}", ERR_INVALID, "/training/num_epochs", "names of the same field"},
    /* what the engine refuses */
    {LAYERS("{'type':'quantum'},{'type':'lstm'}"), ERR_INVALID, "/model/layers/0/n_qubits",
     "n_qubits is 4, so that the circuit of ansatz qdi takes 4 values; 1 come in"},
    {LAYERS("{'type':'qgru','n_qubits':3},{'type':'quantum','n_qubits':17,'n_qlayers':2}"), ERR_INVALID,
     "/model/layers/1/n_qubits", "takes 34 values; 17 come in"},
    {"{'inversward':true,'bidirectional':true}", ERR_INVALID, "/bidirectional", ""},
    {"{'model':{'type':'lstm','inversward':true,'bidirectional':true}}", ERR_INVALID, "/model/bidirectional", ""},
    {LAYERS("{'type':'lstm','inversward':true,'bidirectional':true}"), ERR_INVALID, "/model/layers/0/bidirectional",
     ""},
    {"{'variant':'chen2020','data':{'inputs':[0,1]}}", ERR_INVALID, "/n_qubits", ""},
    {"{'model':{'variant':'chen2024','hidden_size':6}}", ERR_INVALID, "/model/n_qubits", ""},
    {LAYERS("{'type':'qlstm','variant':'chen2020'},{'type':'qlstm','variant':'chen2020'}"), ERR_INVALID,
     "/model/layers/1/n_qubits", ""},
    /* tasks */
    {"{'data':{'task':'classifying'}}", ERR_INVALID, "/data/task", "task is 'classifying'"},
    {"{'data':{'task':'classification'}}", ERR_MISSING, "/data/classes", "classes is missing"},
    {"{'data':{'task':'classification','classes':1}}", ERR_OUT_OF_RANGE, "/data/classes", "allowed are 2 to 1000"},
    {"{'data':{'task':'classification','classes':3,'window':4}}", ERR_INVALID, "/data/window",
     "window belongs to task 'forecasting'; task is 'classification'"},
    {"{'data':{'window':4,'task':'regression'}}", ERR_INVALID, "/data/window", "task is 'regression'"},
    {"{'data':{'steps':4}}", ERR_INVALID, "/data/steps",
     "steps belongs to task 'regression', 'classification'; task is 'forecasting'"},
    {"{'data':{'task':'regression','classes':4}}", ERR_INVALID, "/data/classes", "task is 'regression'"},
    {"{'data':{'task':'classification','classes':3,'targets':['a','b']}}", ERR_INVALID, "/data/targets",
     "a class is one column"},
    {"{'data':{'task':'classification','classes':3},'training':{'loss':'mse'}}", ERR_INVALID, "/training/loss",
     "allowed for task classification are 'cross_entropy', 'bce'"},
    {"{'training':{'loss':'cross_entropy'}}", ERR_INVALID, "/training/loss",
     "allowed for task forecasting are 'mse', 'mae', 'huber', 'quantile'"},
    {"{'data':{'task':'regression','inputs':['a','b','c'],'steps':2}}", ERR_INVALID, "/data/steps",
     "steps is 2; 3 inputs are no multiple of it"},
    {"{'data':{'task':'classification','classes':3},'model':{'layers':[{'type':'lstm'},{'type':'dense','units':4}]}}",
     ERR_INVALID, "/model/layers/1/units", "the last layer needs 3, one for each target or class"},
};

static void check_bad(const struct bad *bad)
{
	struct qlstm_error error;
	json_t *resolved = resolve(bad->request, &error);
	if (resolved != NULL)
		fail_msg("%s\n  was accepted", bad->request);
	if (error.code != bad->code || strcmp(error.pointer, bad->pointer) != 0 ||
	    strstr(error.message, bad->message) == NULL)
		fail_msg("%s\n  got  %s at '%s': %s\n  want %s at '%s': ..%s..", bad->request, error_name(error.code),
		         error.pointer, error.message, error_name(bad->code), bad->pointer, bad->message);
}

static void test_bad_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad_requests / sizeof bad_requests[0]; i++)
		check_bad(&bad_requests[i]);
}

/* Errors go out as JSON: long and many-byte names and values are cut between characters. */
static void test_long_texts(void **state)
{
	(void)state;
	static char request[8192], name[4096];
	for (int shift = 0; shift < 4; shift++) {
		memset(name, 'a', (size_t)shift);
		for (size_t i = (size_t)shift; i + 4 < sizeof name; i += 3)
			memcpy(name + i, "\xe2\x82\xac", 4);
		const char *const forms[] = {"{'%s':1}", "{'data':{'%s':1}}", "{'variant':'%s'}", "{'name':'%s'}"};
		for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
			struct qlstm_error error;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			snprintf(request, sizeof request, forms[i], name);
#pragma GCC diagnostic pop
			assert_null(resolve(request, &error));
			json_t *answer = json_pack("{s:s, s:s}", "pointer", error.pointer, "message", error.message);
			assert_non_null(answer);
			json_decref(answer);
		}
	}
}

static void test_nesting(void **state)
{
	(void)state;
	static char request[20000];
	struct qlstm_error error;
	memset(request, '[', 5000);
	assert_null(resolve(request, &error));
	assert_int_equal(error.code, ERR_SYNTAX);
	strcpy(request, "{'data':{'split':");
	size_t n = strlen(request);
	for (size_t i = 0; i < 1000; i++, n += 5)
		memcpy(request + n, "{'a':", 5);
	request[n++] = '1';
	memset(request + n, '}', 1002);
	request[n + 1002] = '\0';
	assert_null(resolve(request, &error));
	assert_int_equal(error.code, ERR_UNKNOWN_FIELD);
	assert_string_equal(error.pointer, "/data/split/a");
}

static void test_no_error_struct(void **state)
{
	(void)state;
	json_t *request, *resolved;
	assert_int_equal(spec_load("{\"n_qubits\":26}", 15, &request, NULL), 0);
	assert_int_equal(spec_resolve(request, &resolved, NULL), ERR_OUT_OF_RANGE);
	json_decref(request);
	assert_int_equal(spec_load("{", 1, &request, NULL), ERR_SYNTAX);
}

static void test_defaults_by_variant(void **state)
{
	(void)state;
	static const struct {
		const char *variant;
		int hidden_size, n_qubits, depth;
		const char *ansatz, *rotation, *measure, *angle_init;
	} rows[] = {
	    {"qdi", 17, 4, 1, "qdi", "Z", "Y", "uniform"},
	    {"linear", 17, 4, 1, "basic", "X", "Z", "uniform"},
	    {"chen2020", 3, 4, 2, "chen2020", "Y", "Z", "normal"},
	    {"chen2024", 5, 6, 5, "chen2024", "Y", "Z", "normal"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char request[64];
		snprintf(request, sizeof request, "{'variant':'%s'}", rows[i].variant);
		json_t *resolved = resolve_good(request);
		const json_t *layer = at(resolved, "/model/layers/0");
		assert_int_equal(json_integer_value(at(layer, "/hidden_size")), rows[i].hidden_size);
		assert_int_equal(json_integer_value(at(layer, "/n_qubits")), rows[i].n_qubits);
		assert_int_equal(json_integer_value(at(layer, "/depth")), rows[i].depth);
		assert_int_equal(json_integer_value(at(layer, "/n_qlayers")), 1);
		assert_string_equal(json_string_value(at(layer, "/ansatz")), rows[i].ansatz);
		assert_string_equal(json_string_value(at(layer, "/rotation")), rows[i].rotation);
		assert_string_equal(json_string_value(at(layer, "/measure")), rows[i].measure);
		assert_string_equal(json_string_value(at(layer, "/angle_init")), rows[i].angle_init);
		assert_true(json_is_false(at(layer, "/bidirectional")));
		json_decref(resolved);
	}
}

static void test_defaults(void **state)
{
	(void)state;
	json_t *resolved = resolve_good("{}");
	char *text = dump(resolved);
	assert_string_equal(
	    text,
	    "{'name':'','project':'default','tags':[],'notes':'','priority':0,'init_from':'','kind':'training',"
	    "'data':{'dataset':'damped_shm','task':'forecasting','missing':'refuse','window':4,'horizon':1,'"
	    "stride':1,'scaling':'minmax','"
	    "scaling_fit':'train',"
	    "'drop_last_window':true,'split':{'train':0.67,'validation':0,'shuffle':false}},"
	    "'model':{'layers':[{'type':'qlstm','variant':'qdi','ansatz':'qdi','hidden_size':17,'n_qubits':4,"
	    "'n_qlayers':1,'depth':1,'inversward':false,'bidirectional':false,'batch_first':true,'hadamard':true,"
	    "'rotation':'Z','entangling':'basic','measure':'Y','angle_init':'uniform'},"
	    "{'type':'dense','units':1,'bias':true}]},"
	    "'training':{'epochs':100,'batch_size':10,'epoch_batches':0,'shuffle':false,'loss':'mse','optimizer':{'"
	    "type':'rmsprop',"
	    "'learning_rate':0.01,'momentum':0,'alpha':0.99,'beta1':0.9,'beta2':0.999,'epsilon':1e-8,"
	    "'weight_decay':0,'resume':false},'schedule':{'type':'constant','warmup_epochs':0},'patience':0,'stop_loss'"
	    ":0,'keep'"
	    ":'last','snapshots':[],'clip_norm':0,'seed':1},"
	    "'simulation':{'precision':'float64','plan':'auto','diff_method':'adjoint'},'limits':{'max_seconds':3600,'"
	    "max_attempts':3}}");
	free(text);
	json_decref(resolved);
}

/* Each pair means the same. */
static void test_shorthand(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {
	    {"{}", LAYERS("{'type':'qlstm'}")},
	    {"{}", "{'model':{}}"},
	    {QDI_REQUEST, LAYERS("{'type':'qlstm','variant':'qdi'}")},
	    {"{'model':" QDI_REQUEST "}", QDI_REQUEST},
	    {"{'n_qubits':5,'model':{'depth':2}}", LAYERS("{'type':'qlstm','n_qubits':5,'depth':2}")},
	    {"{'model':{'type':'lstm','hidden_size':5}}",
	     LAYERS("{'type':'lstm','hidden_size':5},{'type':'dense','units':1,'bias':true}")},
	    {"{'type':'lstm'}", LAYERS("{'type':'lstm'},{'type':'dense'}")},
	    {"{'num_qubits':3,'nqlayers':2}", "{'n_qubits':3,'n_qlayers':2}"},
	    {"{'num_qlayers':2}", "{'n_qlayers':2}"},
	    {"{'training':{'num_epochs':7}}", "{'training':{'epochs':7}}"},
	    {"{'n_qubits':5.0,'limits':{'max_seconds':60.0}}", "{'n_qubits':5,'limits':{'max_seconds':60}}"},
	    {"{'data':{'targets':[0,1]}}", "{'data':{'targets':[0,1.0]},'model':{'layers':[{'type':"
	                                   "'qlstm'},{'type':'dense','units':2}]}}"},
	};
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		json_t *one = resolve_good(pairs[i][0]), *other = resolve_good(pairs[i][1]);
		assert_same(one, other);
		json_decref(other);
		json_decref(one);
	}
}

static void test_idempotence(void **state)
{
	(void)state;
	static const char *const requests[] = {
	    "{}",
	    QDI_REQUEST,
	    "{'variant':'chen2020','training':{'optimizer':{'type':'adam','learning_rate':0.3}}}",
	    "{'data':{'targets':['a',2],'inputs':['b'],'split':{'train':0.1}},'name':'\xc3\xa9'}",
	    LAYERS("{'type':'dense','units':3},{'type':'lstm','bidirectional':true},{'type':'dense',"
	           "'bias':false}"),
	};
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		json_t *resolved = resolve_good(requests[i]);
		assert_idempotent(resolved);
		json_decref(resolved);
	}
}

/* 15 recurrent layers and the head are the most; what comes out may be posted again. */
static void test_layer_count(void **state)
{
	(void)state;
	char request[1024];
	for (int n = 15; n <= 16; n++) {
		struct qlstm_error error;
		strcpy(request, "{'model':{'layers':[{'type':'lstm'}");
		for (int i = 1; i < n; i++)
			strcat(request, ",{'type':'lstm'}");
		strcat(request, "]}}");
		json_t *resolved = resolve(request, &error);
		if (n == 15) {
			assert_non_null(resolved);
			assert_idempotent(resolved);
			json_decref(resolved);
		} else {
			assert_null(resolved);
			assert_int_equal(error.code, ERR_OUT_OF_RANGE);
			assert_string_equal(error.pointer, "/model/layers");
		}
	}
}

/* Editors of some systems write a byte-order mark before the text. */
static void test_byte_order_mark(void **state)
{
	(void)state;
	struct qlstm_error error = {0};
	json_t *request = NULL;
	assert_int_equal(spec_load("\xef\xbb\xbf{}", 5, &request, &error), 0);
	assert_true(json_is_object(request));
	json_decref(request);
	assert_int_equal(spec_load("\xef\xbb\xbf", 3, &request, &error), ERR_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bad_requests),
	    cmocka_unit_test(test_long_texts),
	    cmocka_unit_test(test_nesting),
	    cmocka_unit_test(test_no_error_struct),
	    cmocka_unit_test(test_defaults_by_variant),
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_shorthand),
	    cmocka_unit_test(test_idempotence),
	    cmocka_unit_test(test_byte_order_mark),
	    cmocka_unit_test(test_layer_count),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
