#!/usr/bin/env bash
# small interleavings, explored exhaustively within the preemption bound that each model states
source .ci/flavour.sh
# The models run for seconds; most of the time goes into building the checker.
export RUSTFLAGS='--cfg sessile_loom' CARGO_PROFILE_RELEASE_OPT_LEVEL=1
# A panic inside a model prints its own story; frames of the checker only hide it.
export RUST_BACKTRACE=0
cargo test -p sessile-loom-tests "${flavour[@]}" --test loom -- --nocapture --test-threads=2
