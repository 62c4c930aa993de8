# Sourced by the steps that build optimized tests, most under a cfg of their own. With a target named,
# RUSTFLAGS are not for what runs while building, so that macros and build scripts are compiled once for all.
# Not optimized across crates: the gates alone measure what is shipped.
export CARGO_TARGET_DIR=$SESSILE_TARGET CARGO_PROFILE_RELEASE_LTO=off
flavour=(--release --target "$(rustc -vV | sed -n 's/^host: //p')")
# What is linked and idle, or serves a few requests, need not be fast; porcupine alone drags criterion in.
for package in aho-corasick axum clap_builder criterion futures-util hyper regex-automata regex-syntax serde_json \
    tokio toml toml_parser tracing-subscriber winnow; do
    flavour+=(--config "profile.release.package.$package.opt-level=0")
done
