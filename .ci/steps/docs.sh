#!/usr/bin/env bash
# the documentation of the crate, of the command and of the examples builds without a warning
source .ci/workspace.sh
export CARGO_TARGET_DIR=$SESSILE_TARGET RUSTDOCFLAGS=-Dwarnings
# The examples want what tests depend on: with them, all here depends on what clippy has checked already; without,
# cargo checks two hundred crates anew. Programs on their own and last: the command's name is the crate's, and so is
# its place, of which cargo warns.
cargo doc --no-deps "${workspace[@]}" --lib --examples
cargo doc --no-deps "${workspace[@]}" --bins --examples
