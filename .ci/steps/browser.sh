#!/usr/bin/env bash
# `sessile serve` in headless Chromium; leaves its pictures in the target folder
source .ci/whole.sh
export CARGO_TARGET_DIR=$SESSILE_TARGET
# The test skips itself where there is no browser; here that is a failure.
export SESSILE_BROWSER=required
cargo test "${whole[@]}" --test serve browser::
