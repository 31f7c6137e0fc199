#!/usr/bin/env python3
"""MNIST's ten digits as short sequences of words: a few principal components of each image, or any table of few columns.

    scripts/mnist_pca.py FOLDER COMPONENTS BITS [--planes] > mnist_pca.csv
    scripts/mnist_pca.py TABLE.csv ROWS BITS [--planes] > words.csv

FOLDER holds MNIST's four IDX files. The components are those of the 60,000 training images (the largest variance first),
each stretched to 0 .. 255 over them; of a component the BITS highest of its 8 bits are kept. A table in their place, as
UMAP or t-SNE leave one, has numbers in all columns but the last, which is the label, 0 to 9; its first ROWS rows train.

Without --planes a word is a component, BITS bits long, one a step (Bausch, arXiv 2006.14619, mnist-pca). With --planes a
word has one bit of each component, the highest plane first (mnist-umap). The label is 4 bits in as many words as they
take, zeros in front; zeros are read while all but the first of them are said. Only the label is scored. Where the parts
meet is said on standard error, as data.split.train, with the bits and the length. Needs NumPy.
"""
import gzip
import pathlib
import struct
import sys

import numpy as np

LABEL_BITS = 4


def read_idx(folder, name):
    path = pathlib.Path(folder) / name
    data = path.read_bytes() if path.exists() else gzip.decompress(path.with_name(name + ".gz").read_bytes())
    zero, kind, rank = struct.unpack(">HBB", data[:4])
    if (zero, kind) != (0, 8) or rank not in (1, 3):
        sys.exit(f"{path}: no IDX file of bytes")
    shape = struct.unpack(f">{rank}I", data[4:4 + 4 * rank])
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape[0], -1)


def components_of(folder, count):
    """[images][count] of the training part, then of the test part; the labels; how many train."""
    parts = [read_idx(folder, f"{name}-images-idx3-ubyte").astype(np.float32) for name in ("train", "t10k")]
    labels = [read_idx(folder, f"{name}-labels-idx1-ubyte").ravel() for name in ("train", "t10k")]
    mean = parts[0].mean(axis=0)
    for part in parts:
        part -= mean
    axes = np.linalg.eigh((parts[0].T @ parts[0]).astype(float))[1][:, ::-1][:, :count]  # the largest variance first
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])  # a sign for each, for everybody
    return np.concatenate([part @ axes for part in parts]), np.concatenate(labels), len(parts[0])


def table_of(path, rows):
    table = np.atleast_2d(np.genfromtxt(path, delimiter=",", skip_header=1))
    return table[:, :-1], table[:, -1].astype(int), rows


def words_of(numbers, n_train, bits, planes):
    """[sequences][steps], and how many bits a word has."""
    least, most = numbers[:n_train].min(axis=0), numbers[:n_train].max(axis=0)
    bytes_ = np.clip(np.round((numbers - least) / np.where(most > least, most - least, 1) * 255), 0, 255).astype(int)
    if not planes:
        return bytes_ >> (8 - bits), bits
    width = numbers.shape[1]
    weights = 1 << np.arange(width)[::-1]
    return np.stack([(bytes_ >> (7 - plane) & 1) @ weights for plane in range(bits)], axis=1), width


def main():
    planes = sys.argv[4:] == ["--planes"]
    if len(sys.argv) != 4 + planes:
        sys.exit(__doc__)
    source, count, bits = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    read = components_of if pathlib.Path(source).is_dir() else table_of
    numbers, labels, n_train = read(source, count)
    words, width = words_of(numbers, n_train, bits, planes)
    if not 1 <= width <= 6 or not 1 <= bits <= 8:
        sys.exit(f"words of {width} bits, {bits} of 8; allowed are words of 1 to 6 bits")
    said = -(-LABEL_BITS // width)
    length = words.shape[1] + said - 1
    out = sys.stdout
    out.write("input,target,scored\n")
    for row, label in zip(words, labels):
        inputs = [*row, *[0] * (said - 1)]
        targets = [label >> (width * (said - 1 - k)) & ((1 << width) - 1) for k in range(said)]
        for i in range(length):
            k = i - (length - said)
            out.write(f"{inputs[i]},{targets[k] if k >= 0 else 0},{int(k >= 0)}\n")
    split = (n_train + 0.5) / len(labels)
    print(f"train {n_train}, test {len(labels) - n_train}: \"word_bits\": {width}, \"length\": {length}, "
          f"\"split\": {{\"train\": {split:.9g}}}", file=sys.stderr)


if __name__ == "__main__":
    main()
