"""scripts/mnist_words.py, mnist_pca.py, text_words.py: images and texts as sequences of words."""
import gzip
import struct
import subprocess
import sys

import pytest

from api_daemon import ROOT

SCRIPT = ROOT / "scripts" / "mnist_words.py"


def idx(shape, body):
    return struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape) + bytes(body)


def image(*ink):
    """28 x 28 with the pixels of these (line, column) of the 10 x 10 black."""
    pixels = [0] * 784
    for line, column in ink:
        for k in (0, 1):
            pixels[(4 + 2 * line) * 28 + 4 + 2 * column + k] = 255
    return pixels


@pytest.fixture
def folder(tmp_path):
    first, second, other = image((0, 1)), image((9, 9), (9, 0)), image((5, 5))
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx((3, 28, 28), first + other + second))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx((3,), [3, 4, 6]))
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx((1, 28, 28), second)))
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx((1,), [6])))
    return tmp_path


def run(*arguments):
    return subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True)


def test_pixels_line_by_line_and_column_by_column(folder):
    done = run(folder, 3, 6)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "input,target,scored" and len(lines) == 1 + 3 * 100
    rows = [tuple(map(int, line.split(","))) for line in lines[1:]]
    words = [row[0] for row in rows]
    # Ink at line 0, column 1: position 1 line by line, position 10 column by column; both bits are 1 elsewhere.
    assert [(i, word) for i, word in enumerate(words[:100]) if word != 3] == [(1, 1), (10, 2)]
    assert [(i, word) for i, word in enumerate(words[100:200]) if word != 3] == [(9, 2), (90, 1), (99, 0)]
    assert words[100:200] == words[200:]
    assert [row[1:] for row in rows[:100]] == [(0, 0)] * 99 + [(0, 1)]
    assert [row[1:] for row in rows[100:200]] == [(0, 0)] * 99 + [(1, 1)]
    assert "train 2, test 1" in done.stderr and '"train": 0.833' in done.stderr


def test_a_label_and_its_image(folder):
    done = run(folder, 3, 6, "--generate")
    rows = [tuple(map(int, line.split(","))) for line in done.stdout.splitlines()[1:]]
    plain = [tuple(map(int, line.split(","))) for line in run(folder, 3, 6).stdout.splitlines()[1:]]
    assert all(word == target and scored == 1 for word, target, scored in rows)
    assert [row[0] for row in rows[::100]] == [0, 1, 1]
    assert all(a[0] == b[0] for i, (a, b) in enumerate(zip(rows, plain)) if i % 100)


def test_components_and_planes(folder, tmp_path):
    table = tmp_path / "low.csv"
    table.write_text("x,y,label\n0,3,9\n1,1,4\n0.5,2,2\n")
    script = ROOT / "scripts" / "mnist_pca.py"
    words = {}
    for way in ([], ["--planes"]):
        done = subprocess.run([sys.executable, script, table, "2", "3", *way], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        words[bool(way)] = [tuple(map(int, line.split(","))) for line in done.stdout.splitlines()[1:]]
        assert f'"word_bits": {2 if way else 3}, "length": {4 if way else 3}' in done.stderr
    # 3 bits of 0, 255 and 128; the label 9 is 001 001 in words of 3 bits. The first two rows are the range.
    assert words[False][:3] == [(0, 0, 0), (7, 1, 1), (0, 1, 1)]
    assert words[False][6:] == [(4, 0, 0), (4, 0, 1), (0, 2, 1)]
    # Planes of (0, 255): 01 01 01; 9 is 10 01 in words of 2 bits.
    assert words[True][:4] == [(1, 0, 0), (1, 0, 0), (1, 2, 1), (0, 1, 1)]
    images = subprocess.run([sys.executable, script, folder, "2", "3"], capture_output=True, text=True)
    assert images.returncode == 0 and len(images.stdout.splitlines()) == 1 + 4 * 3


def test_a_text(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("It is 2 o'clock;  time\n to GO!\n", encoding="utf-8")
    done = subprocess.run([sys.executable, ROOT / "scripts" / "text_words.py", text, "7", "3"], capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
    alphabet = "abcdefghijklmnopqrstuvwxyz,.?! \n"
    rows = [tuple(map(int, line.split(","))) for line in done.stdout.splitlines()[1:]]
    assert all(word == target and scored == 1 for word, target, scored in rows)
    said = "".join(alphabet[row[0]] for row in rows)
    whole = "it is two o clock, time\nto go!"
    assert len(said) == 21 and said[:7] == whole[:7]
    assert all(said[k:k + 7] in whole and said[k] != " " for k in (0, 7, 14))


def test_refusals(folder):
    (folder / "train-labels-idx1-ubyte").write_bytes(idx((2,), [3, 4]))
    assert "3 images, 2 labels" in run(folder, 3, 6).stderr
    (folder / "train-labels-idx1-ubyte").write_bytes(b"\0\0\x09\x01\0\0\0\0")
    assert "no IDX file" in run(folder, 3, 6).stderr
    assert run(folder).returncode != 0
