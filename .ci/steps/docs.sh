#!/usr/bin/env bash
# the documentation of the packages and of the examples builds without a warning
source .ci/workspace.sh
export CARGO_TARGET_DIR=$SESSILE_TARGET RUSTDOCFLAGS=-Dwarnings
# The examples want what tests depend on: with them, packages depend on what clippy has checked already; without, cargo
# checks two hundred crates anew. Not the programs: the command's name is the crate's, two pages would share one
# place, and cargo, which clears it for each, now and then fails over what the other has just written.
cargo doc --no-deps "${workspace[@]}" --lib --examples
# As docs.rs sees it, from what the last check of `features` compiles too.
cargo doc --no-deps -p sessile --all-features
