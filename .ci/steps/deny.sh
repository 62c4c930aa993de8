#!/usr/bin/env bash
# licences, sources and banned crates of everything a user compiles
# The command is a package beside the root's: without --workspace nobody would look at it.
cargo deny --workspace --all-features --config .ci/deny.toml check bans licenses sources
