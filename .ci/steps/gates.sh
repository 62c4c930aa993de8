#!/usr/bin/env bash
# exact gates: heap bytes per entry and instructions per `get` (--bless rewrites .ci/gates)
export CARGO_TARGET_DIR=$SESSILE_TARGET
gate=$(cargo bench -p sessile-benches --no-default-features --bench gate --no-run --message-format=json |
    sed -n 's/.*"name":"gate".*"executable":"\([^"]*\)".*/\1/p')
[[ -x $gate ]] || { echo 'cargo did not say where it put the `gate` bench' >&2; exit 1; }

# Instructions of a whole process that makes $1 reads.
instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$gate" get "$1" 2>&1 |
        sed -n 's/.*Collected : *\([0-9]*\).*/\1/p'
}

reads=250000
heap=$("$gate" heap)
# Each process hashes with a key of its own, which moves a count by one or so: the middle one of three.
counts=()
for _ in 1 2 3; do
    one=$(instructions $reads)
    two=$(instructions $((2 * reads)))
    [[ -n $one && -n $two ]] || { echo 'callgrind did not report its count' >&2; exit 1; }
    counts+=("$(awk -v a="$one" -v b="$two" -v n=$reads 'BEGIN { printf "%.2f", (b - a) / n }')")
done
get=$(printf '%s\n' "${counts[@]}" | sort -n | sed -n 2p)

expected() { sed -n "s/^$1 *= *//p" .ci/gates; }

if [[ -n ${SESSILE_BLESS:-} ]]; then
    sed -i "s/^\(heap_bytes_per_entry *= *\).*/\1$heap/; s/^\(instructions_per_get *= *\).*/\1$get/" .ci/gates
    echo "blessed: $heap heap bytes per entry, $get instructions per get"
    exit 0
fi

echo "heap bytes per entry: $heap, the gate stands at $(expected heap_bytes_per_entry)"
echo "instructions per get: $get, the gate stands at $(expected instructions_per_get)"
awk -v got="$heap" -v want="$(expected heap_bytes_per_entry)" 'BEGIN { exit !(got <= want + 0.5) }' || {
    echo 'more heap per entry than the gate allows (0.5 byte over it); if that is meant: .ci/run gates --bless' >&2
    exit 1
}
# Fewer instructions fail too: the gate then has to be lowered, or the gain could be lost unseen.
awk -v got="$get" -v want="$(expected instructions_per_get)" \
    'BEGIN { exit !(got <= want * 1.02 && got >= want * 0.98) }' || {
    echo 'instructions per get are more than 2 % off the gate; if that is meant: .ci/run gates --bless' >&2
    exit 1
}
