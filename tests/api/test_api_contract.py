"""The contract and the service say the same: every route is described, every answer fits its description."""
import json
import re
import urllib.parse
import warnings

import pytest
import yaml

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import jsonschema

from api_daemon import ROOT

METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def contract(daemon):
    return daemon.get("/openapi.json").json()


def routes():
    """The rows of the table in routes.c."""
    source = (ROOT / "server/api/routes.c").read_text()
    rows = re.findall(r'\{"([A-Z]+)",\s*"([^"]+)",\s*\w+,\s*(\w+),\s*\w+,\s*\w+,\s*\{([^}]*)\}\}', source)
    assert len(rows) > 15
    return {(method.lower(), path): (scope.lower(), set(re.findall(r'"(\w+)"', query)))
            for method, path, scope, query in rows}


def operations(contract):
    for path, item in contract["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield method, path, operation, item.get("parameters", []) + operation.get("parameters", [])


def resolve(contract, node):
    while "$ref" in node:
        target = contract
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def check(contract, schema, value):
    document = {**schema, "components": contract["components"]}
    jsonschema.Draft202012Validator(document).validate(value)


def test_nothing_is_null(contract):
    """A comma in words without quotes makes of the rest a member of its own, with null for a value."""
    def nulls(node, path):
        if node is None:
            yield path
        for key, child in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
            if key not in ("example", "examples", "default", "const", "enum"):
                yield from nulls(child, f"{path}/{key}")
    assert list(nulls(contract, "")) == []


def test_routes_and_paths_are_the_same(contract):
    described = {}
    for method, path, operation, parameters in operations(contract):
        parameters = [resolve(contract, parameter) for parameter in parameters]
        described[method, path] = operation["x-scope"], {p["name"] for p in parameters if p["in"] == "query"}
        assert set(re.findall(r"\{(\w+)\}", path)) == {p["name"] for p in parameters if p["in"] == "path"}
    assert described == routes()


def test_what_changes_something_needs_more_than_to_read(contract):
    for method, path, operation, _ in operations(contract):
        reads = method == "get" or path.endswith(("/predict", "/generate", "/infer", "/search"))
        scope = operation["x-scope"]
        if path != "/session":  # there a browser is told to keep a key, or to forget it
            assert scope != "submit" if reads else scope in ("submit", "admin"), (method, path)


def test_what_needs_a_scope_says_what_becomes_of_callers_without(contract):
    for method, path, operation, _ in operations(contract):
        refusals = {"401", "403", "429"} <= set(operation["responses"])
        open_to_all = operation["x-scope"] == "none"
        assert refusals != open_to_all and (operation.get("security") == []) == open_to_all, (method, path)


def test_every_reference_leads_somewhere(contract):
    found = re.findall(r'"\$ref": ?"([^"]+)"', json.dumps(contract))
    assert found and all(reference.startswith("#/components/") for reference in found)
    for reference in found:
        resolve(contract, {"$ref": reference})


def test_every_file_that_the_yaml_refers_to_is_served(daemon):
    found = re.findall(r"\$ref: '?([^'#\s}]+)", daemon.get("/openapi.yaml").text)
    assert found == ["experiment.schema.json"]
    for name in found:
        served = daemon.request("GET", urllib.parse.urljoin("/openapi.yaml", name))
        assert served.status_code == 200 and served.text == (ROOT / "schema" / name).read_text()


def some_path(daemon, template):
    """The template with what is there in place of its names."""
    path = template.replace("{id}", daemon.train({"training": {"epochs": 1}})["id"]).replace("{name}", "sine")
    return re.sub(r"\{\w+\}", "1", path)


def test_numbers_in_a_query_have_the_limits_that_they_are_said_to_have(daemon, contract):
    tried = set()
    for method, path, _, parameters in operations(contract):
        for parameter in [resolve(contract, parameter) for parameter in parameters]:
            schema = resolve(contract, parameter["schema"])
            if parameter["in"] != "query" or schema.get("type") != "integer" or method == "post":
                continue  # without a body a POST is refused whatever the query says
            here = some_path(daemon, path)
            for value, refused in ((schema["minimum"], False), (schema["maximum"], False),
                                   (schema["minimum"] - 1, True), (schema["maximum"] + 1, True)):
                reply = daemon.request(method, here, params={parameter["name"]: value})
                assert (reply.status_code == 400) == refused, (path, parameter["name"], value, reply.text)
            tried.add((path, parameter["name"]))
    assert {("/experiments", "limit"), ("/experiments/{id}/metrics", "after")} <= tried


def test_a_cursor_is_as_described(daemon, contract):
    """A page's own fits; what does not fit is refused."""
    parameters = {p["name"]: p for p in contract["paths"]["/experiments"]["get"]["parameters"]}
    validator = jsonschema.Draft202012Validator(parameters["cursor"]["schema"])
    for _ in range(2):
        daemon.submit({"training": {"epochs": 1}})
    cursor = daemon.get("/experiments?limit=1").json()["next_cursor"]
    validator.validate(cursor)
    for wrong in ("", cursor[:-1], cursor + "A", cursor + "=", "*" * len(cursor)):
        assert not validator.is_valid(wrong)
        assert daemon.get("/experiments", params={"cursor": wrong}).status_code == 400, wrong


def test_bodies_are_described_as_they_are_read(daemon, contract):
    for method, path, operation, _ in operations(contract):
        for kind, described in operation.get("requestBody", {}).get("content", {}).items():
            assert kind != "application/x-www-form-urlencoded", "read as something else than a form"
            if described["schema"].get("type") == "string":
                assert described["schema"]["minLength"] == 1, (path, kind)
                params = {"name": "empty"} if path == "/datasets" else {}
                reply = daemon.request(method, some_path(daemon, path), params=params, data=b"",
                                       headers={"Content-Type": kind})
                assert 400 <= reply.status_code < 500, (path, kind, reply.text)
    responses = contract["paths"]["/openapi.yaml"]["get"]["responses"]
    check(contract, responses["200"]["content"]["application/yaml"]["schema"],
          yaml.safe_load(daemon.get("/openapi.yaml").text))


def test_schemas_are_schemas(contract):
    for schema in contract["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_operation_ids_are_unique(contract):
    ids = [operation["operationId"] for _, _, operation, _ in operations(contract)]
    assert len(ids) == len(set(ids))


def test_yaml_is_the_file_and_json_is_the_yaml(daemon, contract):
    text = daemon.get("/openapi.yaml").text
    assert text == (ROOT / "schema/openapi.yaml").read_text()
    expected = yaml.safe_load(text)
    assert contract["paths"] == expected["paths"]
    for name, schema in expected["components"]["schemas"].items():
        if name != "ExperimentRequest":
            assert contract["components"]["schemas"][name] == schema


def test_schema_is_the_file(daemon, contract):
    reply = daemon.get("/schema/experiment")
    assert reply.headers["Content-Type"] == "application/schema+json"
    assert reply.text == (ROOT / "schema/experiment.schema.json").read_text()
    merged = contract["components"]["schemas"]["ExperimentRequest"]
    assert set(merged["properties"]) == set(reply.json()["properties"])


def test_examples_are_true(daemon, contract):
    post = contract["paths"]["/experiments"]["post"]
    body = post["requestBody"]["content"]["application/json"]
    for example in body["examples"].values():
        assert daemon.post("/experiments?validate_only=true", example["value"]).status_code == 200
        check(contract, body["schema"], example["value"])
    wrong = contract["components"]["responses"]["Invalid"]["content"]["application/problem+json"]["example"]
    spec = {"model": {"layers": [{"type": "qlstm", "n_qubits": 26}]}}
    assert daemon.post("/experiments", spec).json() == wrong
    csv = contract["paths"]["/datasets"]["post"]["requestBody"]["content"]["text/csv"]["example"]
    assert daemon.upload("example", csv).status_code == 201


def test_answers_fit_their_description(daemon, contract):
    """Every operation once with success and with its common errors."""
    done = daemon.train({"hidden_size": 2, "n_qubits": 2, "training": {"epochs": 1}})
    asked = daemon.wait(daemon.post(f"/experiments/{done['id']}/predictions", {"dataset": "damped_shm"}).json()["id"])
    daemon.upload("described", "a,b\n1,x\n2,y\n")
    nobody = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
    names = {"{id}": [done["id"], asked["id"], nobody, "x"], "{name}": ["described", "sine", "nobody", "missing"]}
    called = set()

    def call(method, template, path, **arguments):
        reply = daemon.request(method.upper(), path, **arguments)
        responses = contract["paths"][template][method]["responses"]
        assert str(reply.status_code) in responses or reply.status_code >= 400, (path, reply.status_code)
        response = resolve(contract, responses.get(str(reply.status_code), responses["default"]))
        for name, header in response.get("headers", {}).items():
            assert name in reply.headers or not resolve(contract, header).get("required"), (path, name)
        if reply.content:
            kind = reply.headers["Content-Type"].split(";")[0]
            described = response["content"].get(kind) or response["content"]["*/*"]
            if kind.endswith("json"):
                check(contract, described["schema"], reply.json())
        called.add((method, template))

    for method, template, _, _ in sorted(operations(contract), key=lambda item: item[0] == "delete"):
        key = next((key for key in names if key in template), None)
        for value in names[key] if key else [""]:
            path = template.replace(key, value) if key else template
            if method == "post" and template == "/experiments":
                for body in ("{}", "{", '{"hidden_size":0}'):
                    call(method, template, path, data=body)
                    call(method, template, path + "?validate_only=true", data=body)
            elif method == "post" and template == "/datasets":
                for query in ("?name=described", "?name=bad%2Fname", ""):
                    call(method, template, path + query, data="a,b\n1,x\n2,y\n")
            elif method == "post" and template.endswith("/predict"):
                for body in ('{"inputs":[[[1]]]}', '{"inputs":[[1]]}', "{"):
                    call(method, template, path, data=body)
            elif method == "post" and template.endswith("/generate"):
                for body in ('{"prompt":[0],"samples":2}', '{"prompt":[9]}', "{"):
                    call(method, template, path, data=body)
            elif method == "post" and template.endswith("/infer"):
                good = {"name": "inputs", "shape": [1, 2, 1], "datatype": "FP64", "data": [0.1, 0.2]}
                for body in ({"id": "a", "inputs": [good]}, {"inputs": []}):
                    call(method, template, path, json=body)
                call(method, template, path, data="{")
            elif method == "post" and template.endswith("/search"):
                for body in ('{"experiment_ids":["0"]}', '{"filter":"x"}', '{"max_results":0}', "{"):
                    call(method, template, path, data=body)
            else:
                call(method, template, path)
                call(method, template, path + "?nonsense=1")
    mlflow = "/api/2.0/mlflow"
    for template, query in [
            (f"{mlflow}/experiments/get", "?experiment_id=0"), (f"{mlflow}/experiments/get-by-name", "?experiment_name=default"),
            (f"{mlflow}/runs/get", f"?run_id={done['id']}"), (f"{mlflow}/artifacts/list", f"?run_id={done['id']}"),
            (f"{mlflow}/metrics/get-history", f"?run_id={done['id']}&metric_key=test_loss"),
            (f"{mlflow}-artifacts/artifacts", f"?path={done['id']}")]:
        call("get", template, template + query)
    for name in ("report.json", "predictions.csv", "weights.safetensors"):
        call("get", f"{mlflow}-artifacts/artifacts/{{id}}/{{name}}", f"{mlflow}-artifacts/artifacts/{daemon.train(done['spec'])['id']}/{name}")
    call("get", "/experiments/{id}/weights", f"/experiments/{daemon.train(done['spec'])['id']}/weights?format=json")
    assert called == {(method, path) for method, path, _, _ in operations(contract)}


def test_closed_lists_are_those_of_the_source(daemon, contract):
    schemas = contract["components"]["schemas"]
    state = (ROOT / "server/common/status.h").read_text()
    assert schemas["Status"]["enum"] == re.findall(r'X\(STATUS_\w+, "(\w+)"', state)
    assert schemas["Reason"]["enum"] == re.findall(r'X\(REASON_\w+, "(\w+)"', state)
    problems = re.findall(r'\{ERR_\w+, \d+, "(\w+)"', (ROOT / "server/http/reply.c").read_text())
    assert schemas["ProblemCode"]["enum"] == problems
    for name in problems:
        assert daemon.get(f"/problems/{name}").json()["name"] == name
