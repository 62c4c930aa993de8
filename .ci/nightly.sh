# Sourced by the steps that need a nightly compiler.
if ! cargo +nightly --version >/dev/null 2>&1; then
    echo 'skipped: no nightly toolchain (rustup toolchain install nightly --profile minimal)'
    exit 75
fi
host=$(rustc +nightly -vV | sed -n 's/^host: //p')

# planted NAME TEXT: the planted bug NAME, built with $RUSTFLAGS, must end in a report that has TEXT.
planted() {
    local program=$CARGO_TARGET_DIR/planted report
    mkdir -p "$CARGO_TARGET_DIR"
    # shellcheck disable=SC2086 # the flags are several words
    [[ $program -nt .ci/planted.rs ]] ||
        rustc +nightly --edition 2024 -O --test --target "$host" $RUSTFLAGS -o "$program" .ci/planted.rs
    if report=$("$program" --exact "$1" 2>&1) || ! grep -q "$2" <<<"$report"; then
        printf '%s\nthe planted bug `%s` was not found: this sanitizer proves nothing\n' "$report" "$1" >&2
        return 1
    fi
    echo "planted bug $1: found"
}
