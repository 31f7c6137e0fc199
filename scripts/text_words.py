#!/usr/bin/env python3
"""A text as sequences of words of 5 bits, one a character, to learn the next one (Bausch, arXiv 2006.14619, 6.10).

    scripts/text_words.py FILE LENGTH COUNT > text.csv
    scripts/text_words.py MODULE LENGTH COUNT > text.csv

FILE is plain text in UTF-8; MODULE a folder of a SWORD text (Debian's sword-text-kjv), whose New Testament is taken. The
32 characters are a to z, comma, full stop, ?, !, blank and newline: letters are lower-cased, ; : and dashes are commas,
digits spelled out, every other character is a blank; of several blanks one is left. COUNT sequences of LENGTH characters
are cut, evenly spread over the text, each from where a word begins. All are scored.
"""
import pathlib
import re
import struct
import sys
import zlib

ALPHABET = "abcdefghijklmnopqrstuvwxyz,.?! \n"
DIGITS = "zero one two three four five six seven eight nine".split()


def module_text(folder):
    """Blocks of zlib, whose places are in nt.bzs; OSIS inside."""
    index, packed = (pathlib.Path(folder) / name for name in ("nt.bzs", "nt.bzz"))
    packed, blocks = packed.read_bytes(), []
    for offset, size, _ in struct.iter_unpack("<III", index.read_bytes()):
        if size > 0:
            blocks.append(zlib.decompress(packed[offset:offset + size]))
    text = b"".join(blocks).decode("utf-8")
    for element in ("note", "title"):
        text = re.sub(rf"<{element}\b[^>]*?(/>|>.*?</{element}>)", "", text, flags=re.S)
    return re.sub(r"<[^>]+>", "", text)


def in_alphabet(text):
    text = re.sub(r"[;:\u2013\u2014]", ",", text.lower())
    text = re.sub(r"\d", lambda digit: f" {DIGITS[int(digit[0])]} ", text)
    text = "".join(letter if letter in ALPHABET else " " for letter in text)
    return re.sub(r" *\n\s*", "\n", re.sub(r" {2,}", " ", text)).strip()


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    source, length, count = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    text = in_alphabet(module_text(source) if source.is_dir() else source.read_text(encoding="utf-8"))
    starts = [match.start() for match in re.finditer(r"(?:^|(?<=[ \n]))\S", text) if match.start() + length <= len(text)]
    if count < 2 or len(starts) < count:
        sys.exit(f"{len(text)} characters have {len(starts)} places for {count} sequences of {length}")
    sys.stdout.write("input,target,scored\n")
    for k in range(count):
        start = starts[k * len(starts) // count]
        for letter in text[start:start + length]:
            word = ALPHABET.index(letter)
            sys.stdout.write(f"{word},{word},1\n")


if __name__ == "__main__":
    main()
