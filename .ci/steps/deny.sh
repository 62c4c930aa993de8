#!/usr/bin/env bash
# licences, sources and banned crates of everything a user compiles
cargo deny --all-features check --config .ci/deny.toml bans licenses sources
