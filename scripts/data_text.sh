#!/bin/sh
# A text in the public domain as words (scripts/text_words.py): the King James Version's New Testament, from Debian 12's
# package sword-text-kjv. Leaves build/data/kjv.csv, 4,000 sequences of 40 characters; with URL=http://localhost:8080 (and
# TOKEN, where the daemon asks for a key) uploads it as kjv, which schema/recipes/qrnn_text.json needs.
set -eu

package=sword-text-kjv version=14.3-1
sum=9f463f28ce665f6f528fc723179722bced880a4c5485f7a41bf742838315de57
root=$(cd "$(dirname "$0")/.." && pwd)
out=${BUILD:-build}/data
archive=$out/${package}_${version}_all.deb

say() {
	echo "data-text: $*" >&2
}

holds() {
	[ -f "$archive" ] && echo "$sum  $archive" | sha256sum --check --status
}

mkdir -p "$out"
if ! holds; then
	(cd "$out" && apt-get download -qq "$package=$version") || {
		say "apt-get could not fetch $package $version; put that package at $archive"
		exit 1
	}
	holds || {
		say "$archive is not the file that was pinned"
		exit 1
	}
fi
mkdir -p "$out/$package"
dpkg-deb --fsys-tarfile "$archive" | tar -x -C "$out/$package" ./usr/share/sword/modules
file=$out/kjv.csv
"$root/scripts/text_words.py" "$out/$package/usr/share/sword/modules/texts/ztext/"* 40 4000 >"$file.part" && mv "$file.part" "$file"
say "$file"
if [ -n "${URL:-}" ]; then
	curl --fail-with-body -sS --data-binary "@$file" -H 'Content-Type: text/csv' \
		${TOKEN:+-H "Authorization: Bearer $TOKEN"} "$URL/datasets?name=kjv"
	echo
fi
