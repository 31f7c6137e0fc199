"""What must hold of every reply, by its Content-Type and by the contract."""
import csv
import dataclasses
import io
import json
import math
import re
import struct
import warnings
import zipfile
from xml.etree import ElementTree

import yaml

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import jsonschema

LEGAL_5XX = {503: "unavailable", 507: "disk_full"}


@dataclasses.dataclass
class Reply:
    status: int
    headers: dict  # names in lower case
    body: bytes

    def json(self):
        return json.loads(self.body)


def no_number(text):
    raise ValueError(f"{text} is no JSON number")


def unique(pairs):
    made = dict(pairs)
    assert len(made) == len(pairs), f"a key twice among {[key for key, _ in pairs]}"
    return made


def check_json(body):
    return json.loads(body.decode(), parse_constant=no_number, object_pairs_hook=unique)


def check_csv(body):
    rows = list(csv.reader(io.StringIO(body.decode(), newline=""), strict=True))
    assert rows and len({len(row) for row in rows}) == 1, "rows of different lengths"
    return rows


def check_results_csv(body):
    """Metrics and predictions: numbers but for the header, the word `train` or `test`, and what was never computed. A
    prediction of data near the largest double may lie past it."""
    rows = check_csv(body)
    for row in rows[1:]:
        predicted = row[0] in ("train", "test")
        for cell in row[1:] if predicted else row:
            assert cell == "" or math.isfinite(float(cell)) or (predicted and "inf" in cell), row
    return rows


def check_prometheus(body):
    number, label = r"-?[0-9.]+(e[-+]?[0-9]+)?", r'[a-z_]+="[^"]*"'
    for line in body.decode().splitlines():
        assert re.fullmatch(rf"#.*|[a-z_]+({{{label}(,{label})*}})? {number}", line), line


def check_event_stream(body):
    """The JSON of each event; the client may have left in the middle of the last one."""
    found = []
    for block in body.decode().split("\n\n")[:-1]:
        lines = [line for line in block.split("\n") if not line.startswith(":")]
        fields = dict(line.split(": ", 1) for line in lines)
        assert len(fields) == len(lines) and fields.keys() <= {"id", "event", "data", "retry"}, block
        found += [check_json(fields["data"].encode())] if "data" in fields else []
    return found


def check_safetensors(body):
    """{name: (shape, values)}"""
    (length,) = struct.unpack("<Q", body[:8])
    header = check_json(body[8:8 + length])
    header.pop("__metadata__", None)
    data, tensors = body[8 + length:], {}
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        assert entry["dtype"] == "F64" and (last - first) == 8 * math.prod(entry["shape"]) and last <= len(data)
        tensors[name] = (entry["shape"], struct.unpack(f"<{(last - first) // 8}d", data[first:last]))
    return tensors


def check_records(body):
    """A file of events: length, checksum, event, checksum, and so on."""
    while body:
        (length,) = struct.unpack("<Q", body[:8])
        assert len(body) >= length + 16, "a record is cut"
        body = body[length + 16:]


def check_octets(body):
    (length,) = struct.unpack("<Q", body[:8])
    return check_safetensors(body) if body[8:8 + length].rstrip()[:1] + body[8:8 + length].rstrip()[-1:] == b"{}" \
        else check_records(body)


UPLOADS = ("text/csv", "application/x-npy", "application/x-idx", "application/x-safetensors", "application/gzip",
           "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")  # given back as they came
def check_sqlite(body):
    assert body.startswith(b"SQLite format 3\0")


def check_openqasm(body):
    assert re.match(rb'OPENQASM 3.0;\ninclude "stdgates.inc";\n', body)


def check_text(body):
    return body.decode()


PARSERS = {
    "text/html": check_text, "text/javascript": check_text, "text/css": check_text, "image/svg+xml": check_text,
    "application/vnd.sqlite3": check_sqlite,
    "application/json": check_json, "application/problem+json": check_json, "application/schema+json": check_json,
    "application/yaml": lambda body: yaml.load(body, yaml.CSafeLoader), "application/octet-stream": check_octets,
    "application/x-npz": lambda body: zipfile.ZipFile(io.BytesIO(body)).testzip(),
    "image/svg+xml": ElementTree.fromstring, "text/x-openqasm": check_openqasm,
    "text/csv": check_results_csv, "text/plain": check_prometheus, "text/event-stream": check_event_stream}


class Contract:
    def __init__(self, document):
        self.document = document
        self.validators = {}
        self.seen = {}
        self.parsed = {}  # large documents that stay the same

    def resolve(self, node):
        while "$ref" in node:
            target = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def responses(self, call):
        method = "get" if call.method == "HEAD" else call.method.lower()
        return self.document["paths"].get(call.template, {}).get(method, {}).get("responses")

    def check(self, call, reply):
        """The parsed body; AssertionError or ValueError says what is wrong."""
        kind = reply.headers.get("content-type", "").split(";")[0]
        if reply.status >= 500:
            assert LEGAL_5XX.get(reply.status), f"status {reply.status}"
            assert reply.json()["errors"][0]["code"] == LEGAL_5XX[reply.status]
        if call.method == "HEAD" or reply.status in (204, 304):
            assert reply.body == b""
            return None
        assert kind in PARSERS or kind in UPLOADS, f"Content-Type {kind!r}"
        if reply.status == 206:
            part = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", reply.headers["content-range"])
            first, last, total = map(int, part.groups())
            assert first <= last < total and last - first + 1 == len(reply.body)
            return None
        value = self.parse(call, kind, reply.body)
        if reply.status >= 400:
            assert kind == "application/problem+json" and value["status"] == reply.status, value
        self.check_described(call, reply, kind, value)
        return value

    def parse(self, call, kind, body):
        if call.template.endswith("/content"):
            return body if kind in UPLOADS else PARSERS[kind](body)
        if len(body) < 20000:
            return PARSERS[kind](body)
        key = (kind, hash(body))
        if key not in self.parsed:
            if len(self.parsed) > 20:
                self.parsed.clear()
            self.parsed[key] = PARSERS[kind](body)
        return self.parsed[key]

    def check_described(self, call, reply, kind, value):
        """Status, headers and body are those of the contract. Long bodies of a kind seen often: some of them."""
        responses = self.responses(call)
        if responses is None:
            assert reply.status >= 400, "an answer of something that is not in the contract"
            responses = {"default": {"$ref": "#/components/responses/Problem"}}
        assert str(reply.status) in responses or reply.status >= 400, f"{reply.status} is not in the contract"
        where = (call.template, call.method, reply.status, kind)
        response = self.resolve(responses.get(str(reply.status), responses["default"]))
        for name, header in response.get("headers", {}).items():
            assert name.lower() in reply.headers or not self.resolve(header).get("required"), f"no header {name}"
        self.seen[where] = self.seen.get(where, 0) + 1
        if not kind.endswith("json") or (len(reply.body) > 400 and self.seen[where] > 20 and self.seen[where] % 16):
            return
        if where not in self.validators:
            content = response["content"]
            assert kind in content, f"{kind} is not in the contract"
            schema = {**content[kind]["schema"], "components": self.document["components"]}
            self.validators[where] = jsonschema.Draft202012Validator(schema)
        error = next(self.validators[where].iter_errors(value), None)
        assert error is None, f"{error.message[:300]} at {'/'.join(map(str, error.absolute_path))}"
