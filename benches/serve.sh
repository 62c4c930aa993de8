#!/usr/bin/env bash
# Load on `sessile serve` over loopback: a route that reads its session beside one that has none.
#
#   benches/serve.sh [ROUNDS] [SECONDS]      9 rounds of 3 s each way by default; wants wrk and curl
#
# Both routes answer the same three bytes through the same router; the second stands behind the
# session layer and reads one value of a session that has a counter, a token and an owner. The rounds
# take turns, and every other pair begins with the other route, so that a busy moment falls on both.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
rounds=${1:-9} seconds=${2:-3}
for tool in wrk curl; do
    command -v $tool >/dev/null || { echo "$tool is not installed" >&2; exit 2; }
done

cargo build --quiet --release -p sessile-cli
folder=$(mktemp -d)
"${CARGO_TARGET_DIR:-target}/release/sessile" serve --listen 127.0.0.1:0 >"$folder/address" &
server=$!
trap 'kill $server; rm -r "$folder"' EXIT
until [[ -s $folder/address ]]; do sleep 0.1; done
address=$(head -n 1 "$folder/address")
address=${address%/}

# A visitor who logs in, as a browser does it.
jar=$folder/jar
token=$(curl -s -c "$jar" "$address/" | sed -n 's/.*name="token" value="\([^"]*\)".*/\1/p' | head -n 1)
curl -s -o "$folder/login" -b "$jar" -c "$jar" --data-urlencode "token=$token" -d name=Ada "$address/login"
cookie=$(awk '$6 == "session" { print $6 "=" $7 }' "$jar")
[[ -n $cookie ]] || { echo 'the server set no cookie' >&2; exit 1; }

# Requests a second of one round. Each connection's answers are checked by wrk: others than 2xx are told.
load() {
    local said
    said=$(wrk -t1 -c16 -d"${seconds}s" -H "Cookie: $cookie" "$address$1")
    ! grep -q 'Non-2xx' <<<"$said" || { echo "$said" >&2; return 1; }
    sed -n 's/^Requests\/sec: *//p' <<<"$said"
}

load /health >"$folder/warm"
load /health/session >"$folder/warm"
for ((round = 0; round < rounds; round++)); do
    if ((round % 2)); then
        session=$(load /health/session) bare=$(load /health)
    else
        bare=$(load /health) session=$(load /health/session)
    fi
    echo "$bare $session"
done >"$folder/rounds"

median() { sort -n | awk '{ all[NR] = $1 } END { print all[1], all[int((NR + 1) / 2)], all[NR] }'; }
row() { printf '| %s | %.0f | %.0f to %.0f |\n' "$1" "$3" "$2" "$4"; }
printf '| route | requests/s | lowest to highest |\n| --- | ---: | ---: |\n'
row 'bare (`/health`)' $(cut -d' ' -f1 "$folder/rounds" | median)
row 'reads its session (`/health/session`)' $(cut -d' ' -f2 "$folder/rounds" | median)
awk '{ printf "%.2f\n", ($1 / $2 - 1) * 100 }' "$folder/rounds" | median |
    awk '{ printf "\ntime added by the session, median of pairs: %.1f %% (%.1f to %.1f)\n", $2, $1, $3 }'
