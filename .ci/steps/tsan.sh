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
# Left out: tests whose threads end with their `thread::scope` and are not joined by handle; only a
# join is seen by ThreadSanitizer, the scope's own waiting is inside std. An explicit
# `handle.join()` in such a test is all it takes to remove it from here.
cargo +nightly test "${concurrent[@]}" -- --nocapture --test-threads=1 \
    --skip of_many_creators_one_wins --skip with_every_limit_and_a_real_clock --skip without_limits
