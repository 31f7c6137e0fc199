"""The lines of README.md that begin with `$ curl`, run as its reader types them, on a service of ours.

The reader has files and data sets of its own, and weights that it downloaded; `ID` is the experiment that was asked for
last. Recipes are run short, an epoch of two batches: the lines are what is tried."""
import gzip
import json
import os
import re
import shutil
import struct
import subprocess

from api_daemon import ROOT

PATIENCE = 900  # seconds for a line, on a machine with other work


def lines():
    """Each with what README shows below it; not those for another machine (HOST)."""
    text = (ROOT / "README.md").read_text().split("## By curl")[1].split("\n## ")[0].splitlines()
    for at, line in enumerate(text):
        if line.startswith("    $ curl") and "HOST" not in line:
            yield line.removeprefix("    $ "), text[at + 1].strip()


def write_tables(folder):
    """Prices with decimal commas, two tables with the same dates, digits whose class is asked for."""
    (folder / "preise.csv").write_text("Tag;Preis\n" + "".join(f"{k};{k % 7},5\n" for k in range(40)))
    for name in ("inputs", "targets"):
        rows = "".join(f"2024-01-{day:02},{day % 5}\n" for day in range(1, 31))
        (folder / f"{name}.csv").write_text(f"date,{name[:-1]}\n{rows}")
    digits = (ROOT / "tests/api/digits_500.csv").read_text().splitlines()
    (folder / "rows.csv").write_text("".join(line.rsplit(",", 1)[0] + "\n" for line in digits[:4]))


def write_arrays(folder):
    """Two columns as NumPy writes them, and 20 images of 2 by 2 pixels in MNIST's form."""
    numbers = struct.pack("<800d", *(k / 800 for k in range(800)))
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (400, 2), }".ljust(117) + b"\n"
    (folder / "waves.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + numbers)
    images = struct.pack(">4B3I", 0, 0, 8, 3, 20, 2, 2) + bytes(range(80))
    (folder / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(images))


def write_texts(folder):
    """Sentences with a tag for each token, and a novel."""
    words = "the old man the boats and sees a cat .".split()
    tags = "DET ADJ NOUN DET NOUN CONJ VERB DET NOUN .".split()
    turned = [(words[k:] + words[:k], tags[k:] + tags[:k]) for k in range(10)] * 4
    (folder / "sentences.txt").write_text("\n\n".join("\n".join(map("\t".join, zip(*pair))) for pair in turned) + "\n")
    (folder / "novel.txt").write_text("".join(f"It is a truth that {' '.join(pair[0])}\n" for pair in turned * 20))


def write_recipes(folder):
    (folder / "schema/recipes").mkdir(parents=True)
    for path in (ROOT / "schema/recipes").glob("*.json"):
        spec = json.loads(path.read_text())
        spec["training"] |= {"epochs": 1, "epoch_batches": 2}
        (folder / "schema/recipes" / path.name).write_text(json.dumps(spec))


def own_data():
    """(name, parameters, text) of data sets that the reader has and that no line uploads."""
    yield "prices-of-may", {}, "value\n" + "".join(f"{k % 9 / 9}\n" for k in range(40))
    yield "de_en", {"text": "pairs"}, "".join(f"das {k % 5} ist gut\tthat {k % 5} is good\n" for k in range(17600))
    yield "my-words", {}, "input,target\n" + "".join(f"{k % 8},{k * 3 % 8}\n" for k in range(800))


def write_own_files(folder):
    for name in ("clients", "tests"):
        (folder / name).symlink_to(ROOT / name)
    for write in (write_tables, write_arrays, write_texts, write_recipes):
        write(folder)
    (folder / ".curlrc").write_text('silent\nshow-error\nwrite-out = "\\n%{http_code}"\n')


def run_line(line, shown, folder):
    """Its body and status."""
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, cwd=folder, timeout=PATIENCE,
                          env={**os.environ, "CURL_HOME": str(folder)})
    assert done.returncode == 0, f"{line}\n{done.stderr}"
    body, status = done.stdout.rsplit("\n", 1)
    assert status[0] == ("4" if '"detail"' in shown else "2"), f"{line}\n{done.stdout}"
    return body, status


def run(daemon, folder):
    """All lines; what is answered by 202 is an experiment, and README shows the id of its first. The id of ours."""
    first = shown_first = last = None
    for line, shown in lines():
        if "/ID" in line or (shown_first and shown_first in line):
            daemon.wait(last)
        assert set(re.findall(r"[0-9A-Z]{26}", line)) <= {shown_first}, line
        command = line.replace("localhost:8080", f"localhost:{daemon.port}").replace("/ID", f"/{last}")
        if shown_first:
            command = command.replace(shown_first, first)
        if "@weights.safetensors" in command:
            shutil.copy(folder / f"{first}.safetensors", folder / "weights.safetensors")
        body, status = run_line(command, shown, folder)
        if status == "202":
            last = json.loads(body)["id"]
            first = first or last
            shown_first = shown_first or json.loads(re.sub(r", \.\.\..*", "}", shown))["id"]
    return first


def check(daemon, folder):
    """Every line is taken, and no experiment fails; those that no line waits for are cancelled in the end."""
    write_own_files(folder)
    for name, said, text in own_data():
        assert daemon.post("/datasets", text, params={"name": name, **said}).status_code == 201, name
    first = run(daemon, folder)
    assert (folder / f"{first}.safetensors").exists() and (folder / f"{first}.tfevents").exists()
    rows = daemon.get("/experiments", params={"limit": 100}).json()["experiments"]
    for row in rows:
        daemon.post(f"/experiments/{row['id']}/cancel")
    ended = [daemon.wait(row["id"]) for row in rows]
    assert len(ended) > 15 and {row["status"] for row in ended} <= {"succeeded", "cancelled"}, ended
