/* /openapi.json, /openapi.yaml, /schema/experiment, /problems/NAME, and the 404. */
#include "server/api/contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "schema/embed.h"
#include "server/api/handlers.h"
#include "server/api/parts/yaml_json.h"
#include "server/common/json_text.h"
#include "server/http/reply.h"

/* In openapi.yaml this component only refers to the file; here it becomes the file's content, and each of the file's
 * $defs a component of its own under the prefix. */
#define COMPONENT "ExperimentRequest"
#define PREFIX    "Experiment."

static char *openapi_json; /* written by contract_open alone */

/* "#/$defs/data" becomes "#/components/schemas/Experiment.data", everywhere in `value`. */
static int rewrite_references(json_t *value)
{
	static const char from[] = "#/$defs/";
	const char *key, *target = json_string_value(json_object_get(value, "$ref"));
	json_t *item;
	size_t index;
	int rc = 0;
	if (target != NULL && strncmp(target, from, strlen(from)) == 0)
		rc = json_object_set_new(value, "$ref",
		                         json_sprintf("#/components/schemas/" PREFIX "%s", target + strlen(from)));
	json_array_foreach(value, index, item) rc = rc == 0 ? rewrite_references(item) : rc;
	json_object_foreach(value, key, item) rc = rc == 0 ? rewrite_references(item) : rc;
	return rc;
}

/* Puts the experiment's schema among the components. */
static int merge_schema(json_t *openapi, json_t *schema)
{
	json_t *components = json_object_get(json_object_get(openapi, "components"), "schemas");
	json_t *definitions = json_object_get(schema, "$defs"), *definition;
	const char *name;
	char component[128];
	int rc = components == NULL ? -1 : rewrite_references(schema);
	json_object_foreach(definitions, name, definition)
	{
		if (rc != 0)
			break;
		snprintf(component, sizeof component, PREFIX "%s", name);
		rc = json_object_set(components, component, definition);
	}
	json_object_del(schema, "$defs");
	json_object_del(schema, "$schema");
	return rc == 0 ? json_object_set(components, COMPONENT, schema) : rc;
}

int contract_open(struct qlstm_error *error)
{
	json_t *openapi = NULL;
	json_t *schema = json_loads(schema_experiment_json, 0, NULL);
	int rc = yaml_to_json(schema_openapi_yaml, &openapi, error);
	if (rc == 0 && (schema == NULL || merge_schema(openapi, schema) != 0))
		rc =
		    error_set(error, ERR_INTERNAL, NULL, "openapi.yaml and experiment.schema.json do not fit together");
	if (rc == 0) {
		openapi_json = json_text(openapi);
		if (openapi_json == NULL)
			rc = error_set(error, ERR_OUT_OF_MEMORY, NULL, "out of memory");
	}
	json_decref(schema);
	json_decref(openapi);
	return rc;
}

void contract_close(void)
{
	free(openapi_json);
	openapi_json = NULL;
}

void contract_openapi_json(void *context, struct http_request *request, struct http_reply *reply)
{
	(void)context;
	(void)request;
	reply_text(reply, 200, "application/json", openapi_json);
}

void contract_openapi_yaml(void *context, struct http_request *request, struct http_reply *reply)
{
	(void)context;
	(void)request;
	reply_text(reply, 200, "application/yaml", schema_openapi_yaml);
}

void contract_schema(void *context, struct http_request *request, struct http_reply *reply)
{
	(void)context;
	(void)request;
	reply_text(reply, 200, "application/schema+json", schema_experiment_json);
}

void contract_problem(void *context, struct http_request *request, struct http_reply *reply)
{
	struct api *api = context;
	const struct problem *problem = problem_find(request->params[0]);
	if (problem == NULL) {
		contract_nothing_here(api, request, reply);
		return;
	}
	reply_json(reply, 200,
	           json_pack("{ss, ss, si, ss}", "name", problem->name, "title", problem->title, "status",
	                     problem->status, "meaning", problem->meaning));
}

void contract_nothing_here(void *context, struct http_request *request, struct http_reply *reply)
{
	(void)context;
	struct qlstm_error error = {0};
	error_set(&error, ERR_NOT_FOUND, NULL, "there is nothing at this path; /openapi.json lists what there is");
	reply_problem(request, reply, &error);
}
