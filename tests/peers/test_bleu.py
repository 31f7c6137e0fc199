"""BLEU of engine/score/bleu.c against sacrebleu's, its tokens against those of sacrebleu's 13a, on random texts."""
import ctypes
import os
import pathlib
import random
import subprocess

import pytest
import sacrebleu
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = ["engine/score/bleu.c", "engine/elementary/exponential.c", "engine/error.c", "engine/utf8.c"]
PIECES = ["the", "cat", "Grüße", "日本", "don't", "3.14", "1,000", "10-20", "a-b", "Mr.", "...", "$", "(net)", "&quot;", "&amp;lt;",
          "&", "<skipped>", "„so“", "…", "\u00a0", "\u2003", ".", ",", "-", "'", "x.y", ".5", "5.", "5.x", "é.é", "-\n", "\n", "\t", "[]{}~^`|\\"]


class Bleu(ctypes.Structure):
    _fields_ = [("texts", ctypes.c_size_t), ("system", ctypes.c_size_t), ("reference", ctypes.c_size_t),
                ("matches", ctypes.c_size_t * 4), ("totals", ctypes.c_size_t * 4)]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    path = tmp_path_factory.mktemp("bleu") / "bleu.so"
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-std=c17", "-D_GNU_SOURCE", "-I.", "-o", path, *SOURCES, "-lm"],
                   check=True, cwd=ROOT)
    found = ctypes.CDLL(str(path))
    found.bleu_tokenize.restype = ctypes.c_void_p
    for name in ("bleu_score", "bleu_brevity", "bleu_precision"):
        getattr(found, name).restype = ctypes.c_double
    return found


def text(rng, most=12):
    return "".join(rng.choice(PIECES) + rng.choice(["", " ", " ", "  "]) for _ in range(rng.randint(0, most)))


def test_tokens(library):
    rng, theirs = random.Random(1), Tokenizer13a()
    for _ in range(20000):
        line = text(rng).rstrip()
        assert ctypes.string_at(library.bleu_tokenize(line.encode())).decode() == theirs(line), repr(line)


def test_scores(library):
    rng = random.Random(2)
    for number in range(400):
        pairs = []
        for _ in range(rng.randint(1, 8)):
            reference = text(rng, 20).strip()
            words = reference.split(" ")
            said = " ".join(w for w in words if rng.random() < 0.9) if rng.random() < 0.7 else text(rng, 8).strip()
            pairs.append((said.rstrip(), reference))  # sacrebleu strips the ends of texts
        ours = Bleu()
        for said, reference in pairs:
            assert library.bleu_add(ctypes.byref(ours), said.encode(), reference.encode(), None) == 0
        theirs = sacrebleu.corpus_bleu([a for a, _ in pairs], [[b for _, b in pairs]])
        assert (list(ours.matches), list(ours.totals)) == (theirs.counts, theirs.totals), number
        assert (ours.system, ours.reference) == (theirs.sys_len, theirs.ref_len)
        assert library.bleu_score(ctypes.byref(ours)) == pytest.approx(theirs.score, rel=1e-12, abs=1e-12)
        assert library.bleu_brevity(ctypes.byref(ours)) == pytest.approx(theirs.bp, rel=1e-12)
        if any(theirs.counts):
            ours_precisions = [100 * library.bleu_precision(ctypes.byref(ours), n) for n in range(4)]
            assert ours_precisions == pytest.approx(theirs.precisions, rel=1e-12)
