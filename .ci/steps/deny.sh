#!/usr/bin/env bash
# licences, sources and banned crates of everything a user compiles
cargo deny --all-features --config .ci/deny.toml check bans licenses sources
