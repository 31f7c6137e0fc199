#!/usr/bin/env python3
"""Two digits of MNIST as sequences of words, for a recurrent network that reads an image pixel by pixel.

    scripts/mnist_words.py FOLDER A B > mnist_AB.csv
    scripts/mnist_words.py FOLDER A B --generate > mnist_AB_gen.csv

FOLDER holds MNIST's four IDX files (train-images-idx3-ubyte, ..., also as .gz). The middle 20 x 20 pixels become 10 x 10,
1 for background and 0 for ink, as Bausch has it (arXiv 2006.14619): a pixel is ink where the mean of its four is above a
quarter. A sequence has 100 positions; the word of position i is two bits: pixel i line by line, and pixel i column by
column. Only the last target is scored: 0 for A, 1 for B; the others are 0. The 60,000 first, then the 10,000 images of the
test part; where they meet is said on standard error, as data.split.train.

With --generate a network learns to draw digits: the first word is 0 for A, 1 for B, in the place of a pixel, targets are
the inputs, and all are scored. It draws where POST /experiments/ID/generate is asked with the prompt [0] or [1].
"""
import gzip
import pathlib
import struct
import sys

SIZE, SHRUNK, MARGIN, INK = 28, 10, 4, 64


def read_idx(folder, name):
    path = pathlib.Path(folder) / name
    data = path.read_bytes() if path.exists() else gzip.decompress(path.with_name(name + ".gz").read_bytes())
    zero, kind, rank = struct.unpack(">HBB", data[:4])
    if (zero, kind) != (0, 8) or rank not in (1, 3):
        sys.exit(f"{path}: no IDX file of bytes")
    shape = struct.unpack(f">{rank}I", data[4:4 + 4 * rank])
    body = data[4 + 4 * rank:]
    length = 1
    for size in shape:
        length *= size
    if len(body) != length or (rank == 3 and shape[1:] != (SIZE, SIZE)):
        sys.exit(f"{path}: {len(body)} bytes of {shape}")
    return shape[0], body


def pixels(image):
    """[10][10] of 0 (ink) and 1."""
    def mean(row, column):
        at = (MARGIN + 2 * row) * SIZE + MARGIN + 2 * column
        return (image[at] + image[at + 1] + image[at + SIZE] + image[at + SIZE + 1]) / 4
    return [[0 if mean(row, column) > INK else 1 for column in range(SHRUNK)] for row in range(SHRUNK)]


def sequence(image, target, generate):
    """The lines of one image."""
    bits = pixels(image)
    last = SHRUNK * SHRUNK - 1
    for i in range(last + 1):
        line, column = divmod(i, SHRUNK)
        word = 2 * bits[line][column] + bits[column][line]
        if generate:
            word = target if i == 0 else word
            yield f"{word},{word},1\n"
        else:
            yield f"{word},{target if i == last else 0},{int(i == last)}\n"


def part(folder, name, digits, generate, out):
    count, images = read_idx(folder, f"{name}-images-idx3-ubyte")
    n_labels, labels = read_idx(folder, f"{name}-labels-idx1-ubyte")
    if count != n_labels:
        sys.exit(f"{count} images, {n_labels} labels")
    chosen = [i for i in range(count) if labels[i] in digits]
    for i in chosen:
        out.writelines(sequence(images[i * SIZE * SIZE:(i + 1) * SIZE * SIZE], digits.index(labels[i]), generate))
    return len(chosen)


def main():
    generate = sys.argv[4:] == ["--generate"]
    if len(sys.argv) != 4 + generate:
        sys.exit(__doc__)
    folder, digits = sys.argv[1], [int(sys.argv[2]), int(sys.argv[3])]
    sys.stdout.write("input,target,scored\n")
    train = part(folder, "train", digits, generate, sys.stdout)
    test = part(folder, "t10k", digits, generate, sys.stdout)
    # In the middle between two counts, so that no rounding moves it.
    print(f"train {train}, test {test}: \"split\": {{\"train\": {(train + 0.5) / (train + test):.9g}}}", file=sys.stderr)


if __name__ == "__main__":
    main()
