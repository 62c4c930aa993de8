#!/usr/bin/env bash
# clippy has nothing to say about any target, and warnings are errors
source .ci/workspace.sh
export CARGO_TARGET_DIR=$SESSILE_TARGET
cargo clippy "${workspace[@]}" --all-targets -- -D warnings
