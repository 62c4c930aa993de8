#!/usr/bin/env bash
# `sessile serve` in headless Chromium; leaves its pictures in the target folder
export CARGO_TARGET_DIR=$SESSILE_TARGET
# The test skips itself where there is no browser; here that is a failure.
export SESSILE_BROWSER=required
# The features of the step `stores`: both then build one server.
cargo test -p sessile-cli --features stores,sessile/__internals --test serve browser::
