/* JSON bodies of requests, through a real connection to the whole table of routes on a store of its own: whatever comes
 * is answered, never with a 500, and every answer in JSON is JSON. The first byte chooses the route. */
#include "tests/fuzz/door.h"

#include <sodium.h>

#include "schema/spec.h"
#include "server/api/catalog.h"
#include "server/api/contract.h"
#include "server/api/routes.h"
#include "server/common/clock.h"
#include "server/common/file.h"
#include "server/store/experiments.h"

#define ID "01ARZ3NDEKTSV4RRFF00000001"

static const char *const routes[] = {"PATCH /experiments/" ID, "POST /experiments/" ID "/fork?validate_only=true",
                                     "POST /experiments?validate_only=true", "POST /session"};

enum { N_ROUTES = sizeof routes / sizeof routes[0] };

static struct api api;
static char folder[] = "/tmp/qlstm-fuzz-XXXXXX";

static void drop_folder(void)
{
	file_remove_tree(folder, NULL);
}

static int insert(struct db *db, void *argument, struct qlstm_error *error)
{
	const struct experiment_new new = {.id = ID,
	                                   .name = "a name",
	                                   .project = "default",
	                                   .tags_json = "[]",
	                                   .spec_json = argument,
	                                   .model_json = "{}",
	                                   .data_json = "{}",
	                                   .engine_json = "{}",
	                                   .epochs = 10,
	                                   .max_attempts = 3,
	                                   .max_seconds = 600,
	                                   .now = 1000};
	return experiment_insert(db, &new, 1000000, error);
}

static void insert_experiment(void)
{
	struct qlstm_error error = {0};
	json_t *request = json_object(), *resolved = NULL;
	CHECK(spec_resolve(request, &resolved, &error) == 0);
	char *text = json_dumps(resolved, 0);
	CHECK(text != NULL && store_write(api.store, insert, text, &error) == 0);
	free(text);
	json_decref(resolved);
	json_decref(request);
}

static void open_service(void)
{
	struct qlstm_error error = {0};
	char database[64];
	CHECK(sodium_init() >= 0 && uv_loop_init(&loop) == 0 && mkdtemp(folder) != NULL);
	atexit(drop_folder);
	snprintf(database, sizeof database, "%s/qlstmd.db", folder);
	api = (struct api){.loop = &loop,
	                   .data_dir = folder,
	                   .max_memory = (size_t)1 << 30,
	                   .max_upload = API_MAX_DATASET,
	                   .max_queued = 1000000,
	                   .threads = 1,
	                   .speed = 1,
	                   .started = clock_monotonic()};
	CHECK(store_open(&api.store, database, &loop, &error) == 0);
	CHECK(catalog_open(&error) == 0 && contract_open(&error) == 0);
	CHECK(keeper_open(&api.keeper, folder, false, &error) == 0);
	CHECK(reserve_open(&api.reserve, folder, 0, &error) == 0);
	CHECK(labels_seen_open(&api.labels, &error) == 0);
	CHECK(plan_estimates_new(&api.plans, &error) == 0);
	const struct scheduler_config config = {
	    .data_dir = folder, .worker_path = "/nowhere", .slots = 1, .threads = 1};
	CHECK(scheduler_open(&api.scheduler, &loop, api.store, &config, &error) == 0); /* nothing wakes it */
	CHECK(uv_mutex_init(&api.datasets) == 0);
	insert_experiment();
	door_open((struct http_config){.handler = routes_handle, .body_limit = routes_body_limit, .context = &api});
}

static void check_answer(void)
{
	int status = 0;
	CHECK(sscanf(answer, "HTTP/1.1 %d", &status) == 1);
	CHECK(status >= 200 && status <= 499);
	const char *body = strstr(answer, "\r\n\r\n"), *type = strcasestr(answer, "\r\nContent-Type: application/");
	CHECK(body != NULL && answer_length < DOOR_ANSWER);
	if (type == NULL || type > body || status == 204)
		return;
	json_t *json = json_loads(body + 4, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	CHECK(json != NULL);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char head[300];
	if (api.store == NULL)
		open_service();
	if (size < 1 || size > 16000)
		return 0;
	snprintf(head, sizeof head,
	         "%s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
	         "Connection: close\r\n\r\n",
	         routes[data[0] % N_ROUTES], size - 1);
	door_ask(head, data + 1, size - 1, 1);
	check_answer();
	return 0;
}

void target_seeds(target_give *give, void *context)
{
	static const char *const texts[] = {
	    "0{\"name\":\"another\",\"tags\":[\"a\",\"b\"],\"notes\":\"line\\nline\"}",
	    "0{\"notes\":null,\"tags\":null,\"name\":null}",
	    "0{\"epochs\":3}",
	    "0{}",
	    "0[]",
	    "0{\"name\":\"\xf0\x9f\x98\x80\",\"tags\":[\"\",\"\"]}",
	    "1{\"training\":{\"epochs\":50,\"optimizer\":{\"type\":\"adam\"}}}",
	    "1{\"data\":null,\"model\":{\"layers\":[]}}",
	    "1{\"init_from\":\"x\"}",
	    "2{\"hidden_size\":3,\"n_qubits\":2}",
	    "2{\"data\":{\"dataset\":\"sine\",\"window\":3,\"split\":{\"train\":0.6,\"validation\":0.2}},\"model\":{"
	    "\"layers\":["
	    "{\"type\":\"gru\",\"hidden_size\":2},{\"type\":\"batch_norm\"},{\"type\":\"dense\",\"units\":1}]}}",
	    "2{\"model\":{\"layers\":[{\"type\":\"circuit\",\"qasm\":\"OPENQASM 3.0; input float x; qubit[2] q; rx(x) "
	    "q[0]; cx q[0], q[1];\"}]},\"data\":{\"task\":\"regression\"}}",
	    "2{\"parameters\":{\"algorithm\":\"GENERIC_ML_TRAIN\",\"model_type\":\"MLP\",\"layers\":[{\"dense_layer\":"
	    "{\"hidden_size\":4,\"bias\":true}}]},\"inputs\":{\"data\":{\"storage_id\":\"sine\"}}}",
	    "2{\"data\":{\"task\":\"words\",\"dataset\":\"simple_quotes\"},\"model\":{\"layers\":[{\"type\":\"qrnn\"}]}"
	    "}",
	    "3{\"key\":\"qlstm_x\"}",
	    "3{"};
	GIVE_TEXTS(texts);
}
