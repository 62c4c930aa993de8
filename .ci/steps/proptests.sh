#!/usr/bin/env bash
# random operations against naive models; PROPTEST_CASES cases per property
source .ci/whole.sh
export CARGO_TARGET_DIR=$SESSILE_TARGET PROPTEST_CASES=${PROPTEST_CASES:-1000}
echo "$PROPTEST_CASES cases per property"
cargo test "${whole[@]}" --test proptests
