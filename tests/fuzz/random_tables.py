"""Small data sets with odd numbers, as CSV, .npy or IDX, some packed."""
import gzip
import io
import math
import struct

import numpy


def number(rng, kind, i):
    return {
        "constant": lambda: "7.25",
        "zero": lambda: rng.choice(["0", "-0", "0.0", "0e5"]),
        "line": lambda: str(10 * i - 30),
        "sine": lambda: repr(math.sin(0.7 * i)),
        "integer": lambda: str(rng.randint(-1000, 1000)),
        "step": lambda: str(int(i > 3)),
        "tiny": lambda: repr(rng.uniform(-1, 1) * 1e-300),
        "denormal": lambda: rng.choice(["5e-324", "1e-320", "-4.9406564584124654e-324", "0"]),
        "huge": lambda: repr(rng.uniform(-1, 1) * 10 ** rng.choice([100, 153, 155, 200, 300])),
        "largest": lambda: rng.choice(["1.7976931348623157e308", "-1.7976931348623157e308", "0", "1e308"]),
        "spread": lambda: repr(rng.uniform(-1, 1) * 10.0 ** rng.randint(-300, 300)),
        "offset": lambda: repr(1e15 + rng.randint(0, 3) * 0.125),
        "long": lambda: f"{rng.randint(-9, 9)}." + "".join(rng.choices("0123456789", k=rng.choice([17, 40, 300]))),
        "styled": lambda: rng.choice(["1.", ".5", "+3", "1E2", "-1e-2", "007", " 4 ", "0x10", "1e400", "1_0", "1,5"]),
    }[kind]()


KINDS = ["constant", "zero", "line", "sine", "integer", "step", "tiny", "denormal", "huge", "largest", "spread",
         "offset", "long", "styled"]
GAPS = ["", "NaN", "nan", "inf", "-Infinity", "x", "n/a", "1e999", "ä", "\"", "--1", "1 2"]
NAMES = ["value", "t", "load", "a", "Value", "value_predicted", "x y", "ü", "日本", "1", "", "a\"b", "a,b", "part",
         "index", "\\", "'", "=1+1", "x" * 40]


def quoted(text, separator):
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in separator + '"\r\n') else text


class Table:
    """What is uploaded: its bytes, how many rows it has, and what its columns are called."""

    def __init__(self, rng):
        rows = rng.choice([rng.randint(1, 3), *(rng.randint(low, high) for low, high in ((4, 9), (6, 20), (15, 50)))])
        width = rng.randint(1, 5)
        kinds = [rng.choice(KINDS[:6] if rng.random() < 0.6 else KINDS) for _ in range(width)]
        cells = [[number(rng, kind, i) for kind in kinds] for i in range(rows)]
        gap = rng.randrange(width) if rng.random() < 0.15 else None
        if gap is not None:
            cells[rng.randrange(rows)][gap] = rng.choice(GAPS)
        separator = rng.choice([",", ",", ",", ";", "\t"])
        self.names = rng.sample(NAMES, width) if rng.random() < 0.3 else ["value", "t", "load", "b", "c"][:width]
        has_header = rng.random() < 0.85
        if has_header:
            cells.insert(0, self.names)
        self.rows = rows
        # What a column may be called; columns without a gap alone.
        self.columns = [[i, self.names[i]] if has_header else [i] for i in range(width) if i != gap]
        end = rng.choice(["\n", "\n", "\r\n"])
        lines = [separator.join(quoted(cell, separator) for cell in row) for row in cells]
        text = (end.join(lines) + rng.choice([end, end, ""])).encode()
        form = rng.choice(["csv", "csv", "csv", "npy", "idx"])
        body, names = self.array(rng, form, cells[1:] if has_header else cells) if form != "csv" else (None, None)
        if body is None:
            body = text
        else:
            self.columns = [[i, names[i]] for i in range(width) if i != gap]
        self.body = self.spoilt(rng, body) if rng.random() < 0.1 else body
        if rng.random() < 0.15:
            self.body = gzip.compress(self.body, mtime=0)
        self.name = self.id = self.call = None  # of the upload

    @staticmethod
    def array(rng, form, cells):
        """The same numbers as an array, and its columns' names; nothing where a cell is no number for Python."""
        try:
            values = numpy.array([[float(cell) for cell in row] for row in cells])
        except ValueError:
            return None, None
        if values.shape[1] == 1 and rng.random() < 0.5:
            values = values[:, 0]
        names = ["value"] if values.ndim == 1 else [f"column_{i}" for i in range(values.shape[1])]
        if form == "idx":
            sizes = struct.pack(f">BBBB{values.ndim}I", 0, 0, 0x0e, values.ndim, *values.shape)
            return sizes + values.astype(">f8").tobytes(), names
        file = io.BytesIO()
        values = numpy.asfortranarray(values) if rng.random() < 0.5 else values
        numpy.save(file, values.astype(rng.choice(["<f8", ">f8"])))
        return file.getvalue(), names

    @staticmethod
    def spoilt(rng, text):
        at = rng.randrange(len(text) + 1)
        return rng.choice([
            lambda: text[:at],
            lambda: text[:at] + rng.choice([b",", b"\"", b"\x00", b"\xff", b"\n", b"\n\n", b"\r", b";"]) + text[at:],
            lambda: b"\xef\xbb\xbf" + text,
            lambda: text.split(b"\n", 1)[0] + b"\n",
            lambda: rng.choice([b"", b"\n", b"a", b",", b"1", b"\"\"", b"a\n\"1"]),
            lambda: text + b"1," * 5000 + b"\n",
        ])()
