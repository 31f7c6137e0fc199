/* What `plan` says to a person, of an account made by hand: the whole text. */
#include "tests/unit/job_fixture.h"

#include "server/worker/tools/plan_text.h"

static char *printed(const char *account)
{
	char *text = NULL;
	size_t length;
	json_t *json = json_loads(account, 0, NULL);
	assert_non_null(json);
	FILE *file = open_memstream(&text, &length);
	plan_text_print(file, json);
	fclose(file);
	json_decref(json);
	return text;
}

static void says(const char *account, const char *expected)
{
	char *text = printed(account);
	assert_string_equal(text, expected);
	free(text);
}

static void everything_known(void **state)
{
	(void)state;
	says("{\"parameters\":{\"total\":9,\"quantum\":4,\"classical\":5},"
	     "\"data\":{\"dataset\":\"sine\",\"rows\":240,\"train\":157,\"test\":78},\"window\":4,"
	     "\"bytes\":{\"model\":1536,\"plans\":1023,\"data\":3145728,\"total\":9437184},"
	     "\"seconds\":{\"per_epoch\":0.0125,\"training\":1.25,\"per_1000_windows\":0.08},\"epochs\":100,"
	     "\"plan\":\"auto\",\"precision\":\"float64\",\"isa\":\"x86-64\",\"batch_size\":10,"
	     "\"refused\":null,"
	     "\"layers\":[{\"type\":\"qlstm\",\"variant\":\"qdi\",\"ansatz\":\"basic\",\"quantum\":4,\"classical\":3,"
	     "\"circuits\":[{\"role\":\"gates\",\"n_qubits\":2,\"gates\":7,\"features\":3,\"weights\":4,\"outputs\":2,"
	     "\"calls_per_batch\":16.0,\"plan\":\"batch\",\"why\":\"it is cheap\",\"kinds\":["
	     "{\"plan\":\"batch\",\"possible\":true,\"ns_per_sample\":12.34,\"bytes\":2048,\"precision\":\"float64\"},"
	     "{\"plan\":\"wide\",\"possible\":true,\"ns_per_sample\":99.0,\"bytes\":null,\"precision\":\"float32\"},"
	     "{\"plan\":\"local\",\"possible\":false,\"reason\":\"too deep\"}]}]},"
	     "{\"type\":\"dense\",\"variant\":null,\"quantum\":0,\"classical\":2,\"circuits\":[]}]}",
	     "parameters   9: 4 quantum, 5 classical\n"
	     "data         sine: 240 rows, 157 training and 78 test windows of 4 steps\n"
	     "memory       9.0 MiB: 1.5 KiB for the model (1023 bytes of it for plans), 3.0 MiB for the windows\n"
	     "time         0.0125 s per epoch, 1.25 s for 100 epochs (an estimate, one core)\n"
	     "arithmetic   plan auto, float64, x86-64, batches of 10\n"
	     "\n"
	     "layer 0: qlstm qdi, ansatz basic, 4 quantum and 3 classical parameters\n"
	     "  gates: 2 wires, 7 gates, 3 features, 4 weights, 2 outputs; 16 evaluations a batch\n"
	     "    plan        ns per sample       memory\n"
	     "    batch                12.3      2.0 KiB   float64   <- it is cheap\n"
	     "    wide                 99.0      unknown   float32\n"
	     "    local                   -            -   no: too deep\n"
	     "\n"
	     "layer 1: dense, 0 quantum and 2 classical parameters\n");
}

#define REST                                                                                                           \
	"\"parameters\":{\"total\":1,\"quantum\":0,\"classical\":1},\"data\":{\"dataset\":\"mine\",\"rows\":null},"    \
	"\"bytes\":{\"model\":1024,\"plans\":0,\"data\":null},\"plan\":\"local\",\"precision\":\"float32\","           \
	"\"isa\":\"generic\",\"batch_size\":1"
#define HEAD                                                                                                           \
	"parameters   1: 0 quantum, 1 classical\n"                                                                     \
	"data         mine: no built-in series; --data FILE.csv tells how many windows there are\n"                    \
	"memory       unknown: 1.0 KiB for the model (0 bytes of it for plans), unknown for the windows\n"

static void what_is_unknown(void **state)
{
	(void)state;
	says("{" REST ",\"seconds\":{\"per_epoch\":null,\"per_1000_windows\":0.5}}",
	     HEAD "time         0.5 s per 1,000 training windows (an estimate, one core)\n"
	          "arithmetic   plan local, float32, generic, batches of 1\n");
	says("{" REST ",\"seconds\":{\"per_epoch\":null,\"per_1000_windows\":null},"
	     "\"refused\":{\"pointer\":\"/model/layers/0\",\"message\":\"too many cuts\"},"
	     "\"layers\":[{\"type\":\"qlstm\",\"variant\":\"qdi\",\"ansatz\":\"qdi\",\"quantum\":0,\"classical\":1,"
	     "\"circuits\":[{\"role\":\"gates\",\"n_qubits\":1,\"gates\":1,\"features\":1,\"weights\":1,\"outputs\":1,"
	     "\"calls_per_batch\":8,\"plan\":null,\"why\":\"too deep\",\"kinds\":[]}]}]}",
	     HEAD "time         unknown\n"
	          "arithmetic   plan local, float32, generic, batches of 1\n"
	          "refused      /model/layers/0: too many cuts\n"
	          "\n"
	          "layer 0: qlstm qdi, ansatz qdi, 0 quantum and 1 classical parameters\n"
	          "  gates: 1 wires, 1 gates, 1 features, 1 weights, 1 outputs; 8 evaluations a batch\n"
	          "    plan        ns per sample       memory\n"
	          "    none is taken: too deep\n");
}

static void sizes(void **state)
{
	(void)state;
	static const struct {
		const char *bytes, *text;
	} cases[] = {{"1", "1 bytes"},          {"1024", "1.0 KiB"},          {"1048575", "1024.0 KiB"},
	             {"1073741824", "1.0 GiB"}, {"1099511627776", "1.0 TiB"}, {"4503599627370496", "4096.0 TiB"}};
	for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
		char account[512], expected[64];
		snprintf(account, sizeof account, "{\"bytes\":{\"model\":%s}}", cases[k].bytes);
		snprintf(expected, sizeof expected, "memory       unknown: %s for the model", cases[k].text);
		char *text = printed(account);
		assert_non_null(strstr(text, expected));
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(everything_known), cmocka_unit_test(what_is_unknown),
	                                   cmocka_unit_test(sizes)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
