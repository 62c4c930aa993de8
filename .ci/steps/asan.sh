#!/usr/bin/env bash
# AddressSanitizer and LeakSanitizer on the concurrent tests
source .ci/nightly.sh
source .ci/concurrent.sh
export RUSTFLAGS=-Zsanitizer=address CARGO_TARGET_DIR=$SESSILE_TARGET/asan
export ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1
planted memory_used_after_free heap-use-after-free
planted memory_leaked "detected memory leaks"
cargo +nightly test "${concurrent[@]}" --test cache_closures --test cache_churn --test cache_verbs
