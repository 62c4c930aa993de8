#!/usr/bin/env bash
# both ways with the real Flask, Django, Flask-Session and itsdangerous from PyPI
source .ci/whole.sh
export CARGO_TARGET_DIR=$SESSILE_TARGET
source .ci/python.sh
cargo test "${whole[@]}" --test compat_python -- --nocapture
