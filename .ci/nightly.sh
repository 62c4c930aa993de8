# Sourced by the steps that need a nightly compiler.
if ! cargo +nightly --version >/dev/null 2>&1; then
    echo 'skipped: no nightly toolchain (rustup toolchain install nightly --profile minimal)'
    exit 75
fi
host=$(rustc +nightly -vV | sed -n 's/^host: //p')
