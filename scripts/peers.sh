#!/bin/sh
# Makes the virtual environment of the simulators we compare with, then runs a command in it.
#   scripts/peers.sh COMMAND ...   $PEERS_VENV: where the environment is (build/peers); $PEERS_PYTHON makes it (python3);
#   $PEERS_REQUIREMENTS: what is in it (tests/peers/requirements.txt)
set -eu
cd "$(dirname "$0")/.."
venv=${PEERS_VENV:-build/peers}
stamp=$venv/installed.txt
requirements=${PEERS_REQUIREMENTS:-tests/peers/requirements.txt}

install() { # one line of requirements.txt at a time: what cannot be had does not keep the others out
	echo "installing $1" >&2
	# shellcheck disable=SC2086 # a list of requirements
	"$venv/bin/python" -m pip install -q --disable-pip-version-check $1 >&2 || echo "not to be had for this Python: $1" >&2
}

[ -x "$venv/bin/python" ] || "${PEERS_PYTHON:-python3}" -m venv "$venv"
if ! cmp -s "$requirements" "$stamp"; then
	grep -v '^#' "$requirements" | while read -r line; do install "$line"; done
	cp "$requirements" "$stamp"
fi
PATH=$(cd "$venv/bin" && pwd):$PATH exec "$@"
