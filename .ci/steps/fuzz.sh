#!/usr/bin/env bash
# every fuzz target builds, finds what is planted, and survives SESSILE_FUZZ_SECONDS of new inputs
source .ci/nightly.sh
export seconds=${SESSILE_FUZZ_SECONDS:-20}
targets=$(cargo +nightly fuzz list)
[[ -n $targets ]] || { echo 'fuzz/ has no targets' >&2; exit 1; }

# For a smoke test the build is most of the work: optimized a little, and not as one piece.
export CARGO_PROFILE_DEV_OPT_LEVEL=1
# fuzzing VERB ...: cargo-fuzz with the same build for every verb.
fuzzing() { cargo +nightly fuzz "$1" --dev --codegen-units 16 --target-dir "$SESSILE_TARGET/fuzz" "${@:2}"; }

smoke() {
    # New inputs go to the first folder, outside the repository; the committed seeds are read only.
    local target=$1 found=$SESSILE_TARGET/fuzz-corpus/$1
    mkdir -p "$found"
    fuzzing run "$target" "$found" "fuzz/corpus/$target" -- \
        -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -verbosity=0 -print_final_stats=1 \
        >"$found.log" 2>&1 || { cat "$found.log"; echo "target $target FAILED"; return 1; }
    echo "target $target, $seconds s: $(sed -n 's/^stat::number_of_executed_units: */runs /p' "$found.log")"
}

# Each bug that a target names, planted, must end a run over its seeds with the words of the check that finds it.
planted() {
    local target=$1 program=$SESSILE_TARGET/fuzz/$host/debug/$1 words report
    local -a bugs
    # rustfmt may put the words on a line of their own.
    mapfile -d '' bugs < <(grep -ozP '\b(bent|settles|written)\(\s*"\K[^"]+' "fuzz/fuzz_targets/$target.rs" | sort -zu)
    ((${#bugs[@]})) || { echo "target $target has no planted bug" >&2; return 1; }
    for words in "${bugs[@]}"; do
        # What it fails on is nothing to keep.
        if report=$(SESSILE_PLANTED=$words RUST_BACKTRACE=0 ASAN_OPTIONS=symbolize=0 \
            "$program" -runs=0 -exact_artifact_path=/dev/null "fuzz/corpus/$target" 2>&1) ||
            ! grep -qF "$words" <<<"$report"; then
            printf '%s\ntarget %s did not find the planted bug: %s\n' "$report" "$target" "$words"
            return 1
        fi
    done
    echo "target $target: ${#bugs[@]} planted bugs found"
}

fuzzing build
# A target has one thread: as many at a time as there are cores.
export host
export -f fuzzing planted smoke
xargs -n 1 -P "$(nproc)" bash -euo pipefail -c 'planted "$1" && smoke "$1"' target <<<"$targets"
