#!/usr/bin/env python3
"""MNIST as a table of images, a row each: 784 pixels from 0 to 255, line by line, and the digit behind them.

    scripts/mnist_images.py FOLDER > mnist_rows.npy
    scripts/mnist_images.py FOLDER --permute > mnist_permuted.npy

FOLDER holds MNIST's four IDX files (train-images-idx3-ubyte, ..., also as .gz). The images of the training part come first,
then those of the test part; where they meet is said on standard error, as data.split.train. With --permute the pixels of
every image stand in one random order, the same everywhere.
"""
import gzip
import pathlib
import random
import struct
import sys

PIXELS, SEED = 784, 1


def read(folder, part, what):
    (path,) = sorted(pathlib.Path(folder).glob(f"*{part}*-{what}-idx*"))[:1] or sys.exit(f"{folder}: no {part} {what}")
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    zero, kind, rank = struct.unpack(">HBB", data[:4])
    if (zero, kind) != (0, 8):
        sys.exit(f"{path}: no IDX file of bytes")
    return data[4 + 4 * rank:]


def npy(rows):
    """NumPy's format, version 1, of bytes [rows][785]."""
    head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({rows}, {PIXELS + 1}), }}"
    head += " " * (-(len(head) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode()


def main(folder, permute):
    order = list(range(PIXELS))
    if permute:
        random.Random(SEED).shuffle(order)
    rows, counts = [], []
    for part in ("train", "t10k"):
        images, labels = read(folder, part, "images"), read(folder, part, "labels")
        counts.append(len(labels))
        for i, label in enumerate(labels):
            image = images[PIXELS * i:PIXELS * (i + 1)]
            rows.append((bytes(image[k] for k in order) if permute else image) + bytes([label]))
    sys.stdout.buffer.write(npy(len(rows)) + b"".join(rows))
    # So much less than the quotient that it is rounded down to the training part.
    print(f"data.split.train {(counts[0] + 0.5) / len(rows):.9f}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] == ["--permute"])
