#!/bin/sh
# A first experiment from start to end: daemon, real data, a quantum LSTM, its curves and its weights.
# Afterwards the daemon keeps running until Ctrl-C where a person is watching, and ends by itself elsewhere.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
DATA=$BUILD/demo
SERIES=${SERIES:-clients/curl/sunspots_monthly.csv}
mkdir -p "$DATA"

start() { # start ADDRESS: the daemon in the background, its address in $url
	: >"$DATA/daemon.out"
	"$BUILD/qlstmd" --data "$DATA" --listen "$1" >"$DATA/daemon.out" 2>"$DATA/daemon.log" &
	daemon=$!
	while kill -0 $daemon 2>/dev/null; do
		url=$(sed -n 's/^listening on //p' "$DATA/daemon.out")
		[ -z "$url" ] || return 0
		sleep 0.05
	done
	return 1
}

stop() {
	kill $daemon 2>/dev/null || true
	wait $daemon 2>/dev/null || true
}

bar() { # bar DONE ALL TEXT
	awk -v done="$1" -v all="$2" -v text="$3" 'BEGIN {
		n = int(40 * done / all); s = ""
		for (k = 0; k < 40; k++) s = s (k < n ? "#" : ".")
		printf "\r  [%s] epoch %d of %d  %s   ", s, done, all, text
	}'
}

plot() { # reads epoch,train,test: loss on a logarithmic axis against the epoch
	awk -F, 'NR > 1 { n++; a[n] = log($2); b[n] = log($3)
		for (k = 2; k <= 3; k++) { v = log($k); if (n == 1 && k == 2) lo = hi = v; if (v < lo) lo = v; if (v > hi) hi = v } }
	END { H = 12; W = n < 64 ? 2 * n : 64; if (W > 64) W = 64; if (hi == lo) hi = lo + 1
		for (x = 0; x < W; x++) {
			i = 1 + int(x * (n - 1) / (W - 1) + 0.5); if (W > n && x % 2) continue
			ya = int((H - 1) * (hi - a[i]) / (hi - lo) + 0.5); yb = int((H - 1) * (hi - b[i]) / (hi - lo) + 0.5)
			g[yb, x] = "o"; g[ya, x] = ya == yb ? "*" : "+"
		}
		for (y = 0; y < H; y++) {
			s = ""
			for (x = 0; x < W; x++) s = s ((y, x) in g ? g[y, x] : " ")
			printf "  %9.2e |%s\n", exp(hi - y * (hi - lo) / (H - 1)), s
		}
		s = ""; for (x = 0; x < W; x++) s = s "-"
		printf "            +%s\n             epoch 1%*d\n", s, W - 7, n
		print "             + train loss   o test loss   * both (mean squared error of the scaled series)" }'
}

echo "Starting the daemon on $DATA ..."
start 127.0.0.1:8080 || start 127.0.0.1:0 || { cat "$DATA/daemon.log" >&2; exit 1; }
trap stop EXIT
trap 'exit 130' INT TERM
echo "  $url (log: $DATA/daemon.log)"

name=$(basename "$SERIES" .csv)
echo "Uploading $SERIES ..."
curl -fsS --data-binary @"$SERIES" -H 'Content-Type: text/csv' "$url/datasets?name=$name" |
	jq -r '"  data set \(.name): \(.rows) rows, sha256 \(.sha256[0:16])..."'

request='{"name":"demo: sunspots","data":{"dataset":"'$name'","window":8},"training":{"epochs":30,"batch_size":32,"optimizer":{"type":"adam","learning_rate":0.01}},"hidden_size":6,"n_qubits":4,"n_qlayers":1,"depth":2}'
echo "Training a quantum LSTM on it:"
echo "  curl -d '$request' $url/experiments"
id=$(curl -fsS -d "$request" "$url/experiments" | jq -r .id)
status='' terminal=false epoch=0 epochs=1
while :; do
	experiment=$(curl -fsS "$url/experiments/$id")
	eval "$(echo "$experiment" | jq -r '@sh "status=\(.status) terminal=\(.terminal) epoch=\(.progress.epoch) epochs=\(.progress.epochs)"')"
	bar "$epoch" "$epochs" "$status"
	[ "$terminal" = false ] || break
	sleep 0.1
done
echo
if [ "$status" != succeeded ]; then
	echo "$experiment" | jq . >&2
	exit 1
fi

echo "$experiment" | jq -r '
	"  \(.model.parameters) parameters (\(.model.quantum) quantum, \(.model.classical) classical), plan \(.engine.plan) on \(.engine.isa)",
	"  \(.timings.train_seconds * 100 | round / 100) s of training; test loss \(.results.test_loss), best \(.results.best_test_loss) after epoch \(.results.best_epoch)"'
curl -fsS "$url/experiments/$id/metrics?format=csv" | cut -d, -f1-3 | plot
curl -fsS -o "$DATA/weights.safetensors" "$url/experiments/$id/weights"

cat <<END

Where to look:
  the dashboard    $url/ in a browser, while the daemon runs
  the experiment   curl $url/experiments/$id
  its curves       curl '$url/experiments/$id/metrics?format=csv'
  its predictions  curl $url/experiments/$id/predictions
  its weights      $DATA/weights.safetensors, or curl -OJ $url/experiments/$id/weights
  the API          curl $url/openapi.json; the README goes on from here
END
if [ -t 0 ] && [ -t 1 ]; then
	echo "The daemon is still running; Ctrl-C ends it."
	wait $daemon
else
	echo "The daemon ends now; start it again with: $BUILD/qlstmd --data $DATA"
fi
