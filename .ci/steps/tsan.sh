#!/usr/bin/env bash
# ThreadSanitizer on the concurrent tests
source .ci/nightly.sh
source .ci/concurrent.sh
# The standard library is not instrumented; what that makes ThreadSanitizer say wrongly is named in
# tsan.supp, reason beside each line.
export RUSTFLAGS='-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer --cfg sessile_tsan'
export CARGO_TARGET_DIR=$SESSILE_TARGET/tsan
export TSAN_OPTIONS="suppressions=$PWD/.ci/tsan.supp:halt_on_error=1"
planted race_between_two_threads "data race"
planted race_with_the_thread_of_the_test "data race"
cargo +nightly test "${concurrent[@]}"
