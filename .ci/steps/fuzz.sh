#!/usr/bin/env bash
# every fuzz target builds and survives SESSILE_FUZZ_SECONDS of new inputs
source .ci/nightly.sh
seconds=${SESSILE_FUZZ_SECONDS:-20}
targets=$(cargo +nightly fuzz list)
[[ -n $targets ]] || { echo 'fuzz/ has no targets' >&2; exit 1; }
for target in $targets; do
    # New inputs go to the first folder, outside the repository; the committed seeds are read only.
    found=$SESSILE_TARGET/fuzz-corpus/$target
    mkdir -p "$found"
    echo "target $target, $seconds s"
    cargo +nightly fuzz run --target-dir "$SESSILE_TARGET/fuzz" "$target" "$found" \
        "fuzz/corpus/$target" -- -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -verbosity=0 -print_final_stats=1
done
