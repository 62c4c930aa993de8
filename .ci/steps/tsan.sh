#!/usr/bin/env bash
# ThreadSanitizer on the concurrent tests
source .ci/nightly.sh
source .ci/concurrent.sh
# The standard library is not instrumented; what that makes ThreadSanitizer say wrongly is named in
# tsan.supp, reason beside each line.
export RUSTFLAGS='-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer --cfg sessile_tsan'
export CARGO_TARGET_DIR=$SESSILE_TARGET/tsan
export TSAN_OPTIONS="suppressions=$PWD/.ci/tsan.supp:halt_on_error=1"
planted race_between_two_threads 'data race'
planted race_with_the_thread_of_the_test 'data race'
# One test at a time and uncaptured, so that libtest's own threads and buffers stay out of it.
# Tests join their threads by handle: a `thread::scope`'s own waiting is inside std and not seen.
cargo +nightly test "${concurrent[@]}" -- --nocapture --test-threads=1
