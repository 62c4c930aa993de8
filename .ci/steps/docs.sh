#!/usr/bin/env bash
# the documentation of the crate, of the command and of the examples builds without a warning
source .ci/workspace.sh
export CARGO_TARGET_DIR=$SESSILE_TARGET RUSTDOCFLAGS=-Dwarnings
# Programs on their own and first: the command's name is the crate's, and so is its place.
cargo doc --no-deps "${workspace[@]}" --bins
# As docs.rs sees it, from what the last check of `features` compiles too.
cargo doc --no-deps -p sessile --all-features
# The examples want what tests depend on, so that all here depends on what clippy has checked already.
cargo doc --no-deps "${workspace[@]}" --lib --examples
