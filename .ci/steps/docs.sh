#!/usr/bin/env bash
# the documentation of the crate, of the command and of the examples builds without a warning
source .ci/workspace.sh
export CARGO_TARGET_DIR=$SESSILE_TARGET RUSTDOCFLAGS=-Dwarnings
# The examples want what tests depend on: with them, packages and programs depend on what clippy has checked already;
# without, cargo checks two hundred crates anew. Programs on their own and last: the command's name is the crate's, and so is
# its place, of which cargo warns.
cargo doc --no-deps "${workspace[@]}" --lib --examples
# As docs.rs sees it, from what the last check of `features` compiles too.
cargo doc --no-deps -p sessile --all-features
cargo doc --no-deps "${workspace[@]}" --bins --examples
