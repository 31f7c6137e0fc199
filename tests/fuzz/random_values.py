"""Values that fit a JSON Schema, beside its limits as well as inside them, and ways to spoil them."""
import math

TEXTS = ["", "a", "value", "0", "-1", "e", "NaN", "null", "ä", "日本", "\U0001f600", "a\"b\\c/d", "a b\tc", "\u0000",
         "\u007f\u0085\u2028", "%s%n", "../../etc/passwd", "<b>&amp;</b>", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "x" * 101]
NUMBERS = [0, -0.0, -1, 1, 2, 0.5, 1e-9, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, -1e300, 1e17, 0.1,
           2**31 - 1, 2**31, 2**32, 2**53, 2**53 + 1, 2**63 - 1, 2**63, -2**63, 10**30, 1 / 3, 123456.789e-3]
WRONG = [None, True, False, "", "x", "1", [], {}, [[]], [None], {"": 0}, *NUMBERS]


class Values:
    """By a schema whose `$ref`s are found in `document`. `hooks` make the values of some fields by the field's name."""

    def __init__(self, rng, document, hooks=None, spread=5, beside=0.02, share=0.5):
        self.rng = rng
        self.document = document
        self.hooks = hooks or {}
        self.spread = spread  # how far above their minimum integers lie as a rule: large models take long
        self.beside = beside  # how often a limit is met or missed on purpose
        self.share = share    # of the fields that may be left out, those that are not

    def follow(self, schema):
        while "$ref" in schema:
            target = self.document
            for part in schema["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            schema = target
        return schema

    def make(self, schema, name=""):
        schema = self.follow(schema)
        if name in self.hooks:
            return self.hooks[name](schema)
        for branches in ("oneOf", "anyOf"):
            if branches in schema:
                return self.make(self.rng.choice(schema[branches]), name)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return self.rng.choice(schema["enum"])
        kinds = schema.get("type", "object" if "properties" in schema else "string")
        kind = self.rng.choice(kinds) if isinstance(kinds, list) else kinds
        return getattr(self, f"make_{kind}")(schema)

    def make_null(self, _):
        return None

    def make_boolean(self, _):
        return self.rng.random() < 0.5

    def make_integer(self, schema):
        low, high = schema.get("minimum", 0), schema.get("maximum", 2**31)
        if self.rng.random() < self.beside:
            return self.rng.choice([low - 1, high - 1, high, high + 1])
        if "default" in schema and self.rng.random() < 0.1:
            return schema["default"]
        return self.rng.choice([low, low + 1, self.rng.randint(low, min(high, low + self.spread))])

    def make_number(self, schema):
        low, high = schema.get("minimum", schema.get("exclusiveMinimum")), schema.get("maximum",
                                                                                     schema.get("exclusiveMaximum"))
        low, high = 0 if low is None else low, 1e6 if high is None else high
        draw = self.rng.random()
        if draw < self.beside:
            return self.rng.choice([low, high, math.nextafter(low, -math.inf), math.nextafter(high, math.inf)])
        if draw < 2 * self.beside:
            return self.rng.choice([math.nextafter(low, high), math.nextafter(high, low)])
        if draw < 0.3 and "default" in schema:
            return schema["default"]
        if draw < 0.6:
            return self.rng.uniform(low, min(high, 1))
        if draw < 0.7:
            return round(self.rng.uniform(low, min(high, 1)), 2)
        return min(high, max(low, 10 ** self.rng.uniform(-12, 1)))

    def make_string(self, schema):
        low, high = schema.get("minLength", 0), schema.get("maxLength", 300)
        if self.rng.random() < 3 * self.beside:
            return self.rng.choice(["a", "ä"]) * self.rng.choice([max(low - 1, 0), low, high, high + 1])
        return self.rng.choice(TEXTS if self.rng.random() < 10 * self.beside else TEXTS[1:9])[:high]

    def make_array(self, schema):
        low, high = schema.get("minItems", 0), schema.get("maxItems", 100)
        count = self.rng.randint(low, min(high, low + 2))
        if self.rng.random() < self.beside:
            count = self.rng.choice([max(low - 1, 0), high, high + 1])
        return [self.make(schema.get("items", {}), "") for _ in range(count)]

    @staticmethod
    def belongs(field, made, properties):
        """Whether the fields that x-only-for names have values with which this one is allowed."""
        return all(other.startswith("/") or made.get(other, properties[other].get("default")) in values
                   for other, values in field.get("x-only-for", {}).items())

    def make_object(self, schema):
        made = {}
        for name, field in schema.get("properties", {}).items():
            if not self.belongs(field, made, schema["properties"]) and self.rng.random() >= self.beside:
                continue
            if name in schema.get("required", ()) or self.rng.random() < self.share:
                field = {**self.follow(field), **{key: field[key] for key in field if key != "$ref"}}
                other = field.get("x-aliases", []) if self.rng.random() < 0.2 else []
                made[self.rng.choice(other) if other else name] = self.make(field, name)
        return made


def places(tree):
    """(container, key) of every value in it, outermost first."""
    found = []
    inside = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in inside:
        found.append((tree, key))
        found += places(value)
    return found


def spoil(rng, tree):
    """Puts one fault into it: a wrong type or size, something missing, doubled, unknown or misspelt."""
    container, key = rng.choice(places(tree) or [(tree, "x")])
    fault = rng.choice(["wrong", "wrong", "beside", "missing", "unknown", "misspelt", "doubled"])
    value = container[key] if container else None
    if fault == "wrong" or not container:
        container[key] = rng.choice(WRONG)
    elif fault == "beside" and isinstance(value, (int, float)):
        container[key] = rng.choice([value + 1, value - 1, -value, value * 1e9, value + 0.5, float(value)])
    elif fault == "missing":
        del container[key]
    elif isinstance(container, list):
        container.append(rng.choice([value, *WRONG]))
    elif fault == "unknown":
        container[rng.choice(TEXTS)] = value
    elif fault == "misspelt":
        at = rng.randrange(len(key) + 1)
        container[key[:at] + rng.choice("aeX_ ") + key[at + rng.randrange(2):]] = container.pop(key)
    else:
        container[key] = [value, value]


def spoil_text(rng, text):
    """Bytes with one fault that JSON's grammar, or UTF-8's, does not allow, or only just."""
    at = rng.randrange(len(text) + 1)
    return rng.choice([
        lambda: text[:at],
        lambda: text[:at] + bytes([rng.randrange(256)]) + text[at + 1:],
        lambda: text[:at] + rng.choice([b",", b"}", b"]", b"\"", b":", b"NaN", b"-", b"1e999", b"\x00", b"\xff",
                                        b"\\ud800", b" \n\t\r", b"/**/", b"0" * 400, b"1" * 400]) + text[at:],
        lambda: b"\xef\xbb\xbf" + text,
        lambda: text + text,
        lambda: b"[" * (depth := rng.choice([5, 2000, 20000])) + b"]" * depth,
        lambda: b"{\"model\":" * 500 + text + b"}" * 500,
        lambda: text.replace(b"{", b"{\"name\":\"a\",\"name\":\"b\",", 1),
        lambda: rng.choice([b"", b" ", b"null", b"true", b"0", b"\"\"", b"[]", b"{}", b"{}{}", b"-0.0e-0"]),
    ])()
