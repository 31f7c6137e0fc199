"""What a bad experiment is answered with: status, pointer, code, and a message that helps."""
import json

import pytest

from api_daemon import problem


@pytest.mark.parametrize("spec, code, pointer, words", [
    ({"n_qubits": 26}, "out_of_range", "/n_qubits", ["26", "1 to 25"]),
    ({"model": {"layers": [{"type": "qlstm", "n_qubits": 0}]}}, "out_of_range", "/model/layers/0/n_qubits", ["1 to 25"]),
    ({"training": {"epochs": "ten"}}, "wrong_type", "/training/epochs", ["integer"]),
    ({"training": {"epochs": 2.5}}, "wrong_type", "/training/epochs", []),
    ({"training": {"epoch": 3}}, "unknown_field", "/training/epoch", ["epochs"]),
    ({"learning_rat": 1}, "unknown_field", None, []),
    ({"training": {"optimizer": {"learning_rate": 0}}}, "out_of_range", "/training/optimizer/learning_rate", []),
    ({"data": {"dataset": "dampd_shm"}}, "not_found", "/data/dataset", ["damped_shm"]),
    ({"data": {"inputs": ["valu"]}}, None, "/data/inputs/0", ["value"]),
    ({"data": {"window": 4096}}, "invalid", "/data/window", []),
    ({"inversward": True, "bidirectional": True}, "invalid", None, []),
    ({"model": {"layers": [{"type": "qlstm", "variant": "chen2020", "hidden_size": 9}]}}, None, None, []),
    ({"model": {"layers": [{"type": "gnu"}]}}, None, None, ["qlstm"]),
    ([], "wrong_type", "", []),
    ({"hidden_size": "x"}, "wrong_type", "/hidden_size", ["hidden_size is 'x'", "an integer from 1 to 1000"]),
    ({"training": {"seed": 2**63}}, "out_of_range", "/training/seed", ["seed is 9223372036854775808", "line 1"]),
    ({"limits": {"xyzzy": 1}}, "unknown_field", "/limits/xyzzy", ["'max_seconds', 'max_attempts'"]),
])
def test_refused(daemon, spec, code, pointer, words):
    reply = daemon.post("/experiments", spec)
    message = problem(reply, 422, code or reply.json()["errors"][0]["code"], pointer)
    for word in words:
        assert word in message


@pytest.mark.parametrize("text", ["", "{", '{"a":1', '{"hidden_size": 1, "hidden_size": 2}', "nope", '{"name": "\\ud800"}',
                                  b"\xff\xfe", '{"a":' * 5000])
def test_not_json(daemon, text):
    problem(daemon.post("/experiments", text), 400, "syntax")


def test_byte_order_mark(daemon):
    assert daemon.post("/experiments?validate_only=true", b"\xef\xbb\xbf{}").status_code == 200


def test_memory_limit_points_at_what_to_reduce(make_daemon):
    daemon = make_daemon("--max-memory", "64M")
    body = {"model": {"layers": [{"type": "qlstm", "variant": "linear", "n_qubits": 25, "depth": 8, "hidden_size": 2}]}}
    assert "64 MiB" in problem(daemon.post("/experiments", body), 422, "too_large", "/model/layers/0/n_qubits")
    deep = {"variant": "linear", "n_qubits": 25, "depth": 8}
    for body, pointer in ((deep, "/n_qubits"), ({"model": deep}, "/model/n_qubits")):
        assert "n_qubits is 25;" in problem(daemon.post("/experiments", body), 422, "too_large", pointer)
    body = {"model": {"type": "lstm", "hidden_size": 1000}, "training": {"batch_size": 65536}}
    reply = daemon.post("/experiments", body)
    assert "batch_size is 65536;" in problem(reply, 422, "too_large", "/training/batch_size")
    assert daemon.post("/experiments?validate_only=true", {}).status_code == 200


def test_time_limit_points_at_what_to_reduce(daemon):
    """A run that could not end by far within limits.max_seconds is refused before its time is spent."""
    body = {"variant": "linear", "n_qubits": 20, "depth": 8, "limits": {"max_seconds": 5}}
    message = problem(daemon.post("/experiments", body), 422, "invalid", "/n_qubits")
    assert "n_qubits is 20;" in message and "limits.max_seconds is 5;" in message
    quick = daemon.post("/experiments?validate_only=true", {}).json()
    assert 0 < quick["engine"]["estimated_seconds"] < 60


def test_ranges_are_those_of_the_schema(daemon):
    """Each bounded integer of the schema, one below and one above: refused with the range in the message."""
    schema = daemon.get("/schema/experiment").json()
    for field, rule in schema["$defs"]["qlstm"]["properties"].items():
        if rule.get("type") != "integer":
            continue
        for value in (rule["minimum"] - 1, rule["maximum"] + 1):
            reply = daemon.post("/experiments?validate_only=true", {field: value})
            message = problem(reply, 422, "out_of_range", f"/{field}")
            assert f"{rule['minimum']} to {rule['maximum']}" in message


def test_numbers_come_back_as_they_were_written(daemon):
    text = '{"training":{"optimizer":{"learning_rate":0.1,"weight_decay":1.2345678901234567e-5}},"data":{"split":{"train":0.7}}}'
    reply = daemon.post("/experiments?validate_only=true", text)
    assert reply.json()["spec"]["training"]["optimizer"]["weight_decay"] == 1.2345678901234567e-5
    assert '"learning_rate":0.1,' in reply.text and '"train":0.7,' in reply.text


def test_resolved_spec_is_valid_and_stable(daemon):
    first = daemon.post("/experiments?validate_only=true", {"num_qubits": 3, "data": {"targets": [0]}}).json()
    assert first["spec"]["data"]["targets"] == first["spec"]["data"]["inputs"] == [0]
    second = daemon.post("/experiments?validate_only=true", json.dumps(first["spec"])).json()
    assert second == first
