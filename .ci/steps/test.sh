#!/usr/bin/env bash
# the README's test command, exactly as it stands there
export CARGO_TARGET_DIR=$SESSILE_TARGET
grep -qE '^ *(\$ )?cargo test *(#.*)?$' README.md || {
    echo 'README.md does not name the command `cargo test` on a line of its own' >&2
    exit 1
}
cargo test
