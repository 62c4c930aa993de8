#!/usr/bin/env bash
# the documentation of the crate, of the command and of the examples builds without a warning
source .ci/workspace.sh
export CARGO_TARGET_DIR=$SESSILE_TARGET RUSTDOCFLAGS=-Dwarnings
# The examples want what tests depend on: with them, packages and programs depend on what clippy has checked already;
# without, cargo checks two hundred crates anew.
cargo doc --no-deps "${workspace[@]}" --lib --examples
# As docs.rs sees it, from what the last check of `features` compiles too.
cargo doc --no-deps -p sessile --all-features
# Programs last and one job at a time: the command's name is the crate's, and so is its place, of which cargo warns. It
# clears the place before each of the two, and failed over what the other was just writing.
cargo doc --no-deps --jobs 1 "${workspace[@]}" --bins --examples
