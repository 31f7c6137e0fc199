"""Requests for every operation of schema/openapi.yaml: a new operation, parameter or header comes in by itself."""
import dataclasses
import json
import shlex
import urllib.parse

from random_values import TEXTS, Values

METHODS = ("get", "post", "put", "patch", "delete")
NOBODY = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
SEGMENTS = [NOBODY, NOBODY.lower(), "x", "", "..", "a/b", "a%b", "\u0000", NOBODY + "\u0000", "ä", "x" * 3000, "*",
            " "]


def printable(data):
    """For printf %b between single quotes."""
    return "".join(chr(byte) if 32 <= byte < 127 and byte not in b"'\\" else f"\\0{byte:03o}" for byte in data)


@dataclasses.dataclass
class Call:
    method: str
    target: str  # path and query, encoded
    template: str = ""  # the path in openapi.yaml, "" for none of them
    headers: dict = dataclasses.field(default_factory=dict)
    body: bytes = None
    needs: tuple = ()  # of Known: what must be there before, to repeat it elsewhere

    def curl(self):
        """One line for a shell in which $PORT is the daemon's port, and $ID_n and $DATA_n what `needs` made."""
        words = ["curl -sS -g --path-as-is", "-I" if self.method == "HEAD" else f"-X {self.method}"]
        for name, value in self.headers.items():
            words.append("-H " + shlex.quote(f"{name}: {value}" if value else f"{name};"))
        if self.body is not None:
            if "Content-Type" not in self.headers:
                words.append("-H Content-Type:")
            if self.body.isascii() and b"\0" not in self.body:
                words.append(f"--data-binary {shlex.quote(self.body.decode())}")
            else:
                words.insert(0, f"printf %b '{printable(self.body)}' |")
                words.append("--data-binary @-")
        line = " ".join(words) + f" localhost:$PORT{shlex.quote(self.target)}"
        for known in self.needs:
            line = line.replace(known.id, f"'\"${known.variable}\"'")
        return line


@dataclasses.dataclass
class Known:
    """Something that a call made."""
    id: str
    variable: str
    call: Call


def repeat(call):
    """The curl lines that lead to it: first what it needs."""
    lines, told = [], set()

    def tell(known):
        if known.variable not in told:
            told.add(known.variable)
            for other in known.call.needs:
                tell(other)
            lines.append(f"{known.variable}=$({known.call.curl()} | jq -r .id)")

    for known in call.needs:
        tell(known)
    return [*lines, call.curl()]


class Calls:
    """Draws calls. `experiments` and `uploads` are lists of Known that the caller lets grow; `etags` maps a target to
    the ETag that it had last; `bodies` makes those of some operations, where the schema alone would not do."""

    def __init__(self, rng, contract, experiments, uploads, builtin, etags, bodies):
        self.rng = rng
        self.contract = contract
        self.bodies = bodies  # by operationId
        self.experiments, self.uploads, self.builtin, self.etags = experiments, uploads, builtin, etags
        self.values = Values(rng, contract, beside=0.1)
        self.operations = []  # (method, template, operation, parameters)
        for template, item in contract["paths"].items():
            for method in METHODS:
                if method in item and item[method]["operationId"] != "drain":  # nothing would end after it
                    parameters = item.get("parameters", []) + item[method].get("parameters", [])
                    parameters = [self.values.follow(parameter) for parameter in parameters]
                    self.operations.append((method, template, item[method], parameters))
        self.keys = []  # (Idempotency-Key, body) that were sent

    def segment(self, name, template):
        """(text, Known or None) for a {parameter} of a path."""
        draw = self.rng.random()
        known = self.experiments if template.startswith("/experiments") else self.uploads
        if name == "name" and template.startswith("/problems"):
            return self.rng.choice(["missing", "io", "nobody"]), None
        if known and draw < 0.85:
            one = self.rng.choice(known[-20:] if self.rng.random() < 0.7 else known)
            name = getattr(one, "name", None)
            return (name, None) if name and self.rng.random() < 0.5 else (one.id, one)
        if name == "name" and draw < 0.95:
            return self.rng.choice(self.builtin), None
        return self.rng.choice(SEGMENTS), None

    def path(self, template):
        """(encoded path, needs)"""
        needs, parts = [], []
        for part in template.split("/")[1:]:
            if part.startswith("{"):
                text, known = self.segment(part[1:-1], template)
                needs += [known] if known is not None else []
                part = urllib.parse.quote(text, safe="")
            parts.append(part)
        return "/" + "/".join(parts), tuple(needs)

    def query(self, parameters):
        pairs = []
        for parameter in parameters:
            if parameter["in"] == "query" and (parameter.get("required") or self.rng.random() < 0.4):
                value = self.values.make(parameter["schema"], parameter["name"])
                if self.rng.random() < 0.07:
                    value = self.rng.choice([*TEXTS, "-1", "1.5", "99999999999999999999", "+1", "1 "])
                pairs.append((parameter["name"], value if isinstance(value, str) else json.dumps(value)))
        if self.rng.random() < 0.04:
            pairs.append(self.rng.choice([*pairs, ("nonsense", "1"), ("", ""), ("limit", "5")]))
        return "?" + urllib.parse.urlencode(pairs, errors="replace") if pairs else ""

    def header(self, name, schema, target):
        etag = self.etags.get(target, '"0"')
        draws = {
            "If-None-Match": [etag, etag, f"W/{etag}", f'"a", {etag}', "*", '"a"', "", "x", ","],
            "If-Range": [etag, etag, f"W/{etag}", '"a"', "Sat, 28 Nov 2026 00:00:00 GMT", ""],
            "Range": ["bytes=0-0", "bytes=0-", "bytes=-1", "bytes=7-99", "bytes=5-2", "bytes=-0", "bytes=0-1,3-4",
                      "bytes=99999999999999999999-", "bytes=0-99999999999999999999", "bytes=-99999999999999999999",
                      "bytes=", "bytes=-", "lines=1-2", "bytes=0x1-2", "bytes= 1-2", "BYTES=1-2", ""],
        }
        if name in draws:
            return self.rng.choice(draws[name])
        value = str(self.values.make(schema, name))
        return value if value.isascii() and value.isprintable() else f"key-{self.rng.randrange(50)}"

    def headers(self, parameters, target):
        headers = {}
        for parameter in parameters:
            if parameter["in"] == "header" and self.rng.random() < 0.25:
                headers[parameter["name"]] = self.header(parameter["name"], parameter["schema"], target)
        if self.rng.random() < 0.1:
            name, value = self.rng.choice([
                ("Accept", "text/csv"), ("Accept", "application/json;q=0.1, text/csv"), ("Accept", ""),
                ("Accept-Encoding", "gzip"), ("Origin", "http://evil.example"), ("Origin", "null"),
                ("X-Long", "x" * 9000), ("Content-Type", "application/json; charset=utf-8"),
                ("Content-Type", "text/csv"), ("Content-Type", ""), ("Content-Type", "image/png"),
                ("Cookie", "a=b"), ("Connection", "close")])
            headers[name] = value
        return headers

    def make(self, method, template, parameters, body=None, needs=()):
        path, found = self.path(template)
        target = path + self.query(parameters)
        return Call(method.upper(), target, template, self.headers(parameters, target), body, (*needs, *found))

    def any(self):
        """Any operation; a body of its schema where it takes one."""
        method, template, operation, parameters = self.rng.choice(self.operations)
        body = None
        content = operation.get("requestBody", {}).get("content")
        if operation["operationId"] in self.bodies:
            body = self.bodies[operation["operationId"]]()
        elif content:
            kind = next(iter(content.values()))
            body = json.dumps(self.values.make(kind["schema"])).encode()
        elif method in ("post", "put", "patch") and self.rng.random() < 0.3:
            body = self.rng.choice([b"", b"{}", b"x" * 5000, b"\x00"])
        call = self.make(method, template, parameters, body)
        kinds = list(operation["responses"].get("200", {}).get("content", ()))
        if len(kinds) > 1 and self.rng.random() < 0.5:
            call.headers["Accept"] = self.rng.choice(kinds)
        return call

    def odd(self):
        """A method that the path does not have, or a path that nothing has."""
        method = self.rng.choice(["PATCH", "PUT", "DELETE", "POST", "HEAD", "HEAD", "OPTIONS", "TRACE", "BREW", "get"])
        if self.rng.random() < 0.7:
            _, template, _, parameters = self.rng.choice(self.operations)
            call = self.make("get" if method == "HEAD" else method, template, parameters)
            call.method = method
            if method != "HEAD" and method.lower() not in self.contract["paths"][template] or method == "get":
                call.template = ""
            return call
        target = self.rng.choice([
            "/", "//", "/x", "/experiments/", "/experiments//metrics", "/%", "/%zz", "/?", "/a" * 40,
            "/experiments%2fx", "/./experiments", "/../version", "/version/", "/VERSION", "*",
            "/datasets/%00", "/experiments?%00=1", "/version?" + "a=b&" * 300])
        return Call(method, target, "", {}, b"{}" if method in ("POST", "PUT", "PATCH") else None)

    def operation(self, identifier):
        return next((method, template, parameters) for method, template, operation, parameters in self.operations
                    if operation["operationId"] == identifier)

    def experiment(self, body, needs):
        """createExperiment; sometimes with a key that was used before, with the same body or another."""
        method, template, parameters = self.operation("createExperiment")
        if self.keys and self.rng.random() < 0.03:
            key, body, needs = self.rng.choice(self.keys)
            return Call("POST", template, template, {"Idempotency-Key": key}, body, needs)
        call = self.make(method, template, parameters, body, needs)
        if "Idempotency-Key" in call.headers:
            self.keys.append((call.headers["Idempotency-Key"], body, needs))
        return call

    def upload(self, body):
        method, template, parameters = self.operation("createDataset")
        call = self.make(method, template, parameters, body)
        if self.rng.random() < 0.9:
            name = self.rng.choice([f"table-{self.rng.randrange(10**6)}", "ü %", "same", "a b", "-", "x" * 200])
            call.target = template + "?" + urllib.parse.urlencode({"name": name})
            call.headers.pop("Content-Type", None)
        return call
