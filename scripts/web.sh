#!/bin/sh
# The dashboard: its types, that clients/web/dist is what its sources give, its parts alone, and in a browser.
#   QLSTM_BUILD=build scripts/web.sh
set -eu
cd "$(dirname "$0")/.."
QLSTM_BUILD=$(cd "${QLSTM_BUILD:-build}" && pwd)
export QLSTM_BUILD
cd clients/web
npm ci --ignore-scripts --no-audit --no-fund --silent
npx --no-install tsc --noEmit
rm -rf out
node build.mjs out
diff -r out dist || { echo "web: clients/web/dist is not what its sources give; run node build.mjs there" >&2; exit 1; }
node --test --test-concurrency=1 tests/*.test.mjs
