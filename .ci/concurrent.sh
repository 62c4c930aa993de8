# Sourced by the sanitizers: what both run, the tests with many threads.
# Printing a backtrace is std synchronizing within itself, which the sanitizers cannot see.
# Lines are kept: what is suppressed is named by function, inlined ones too.
export CARGO_PROFILE_DEV_OPT_LEVEL=1 CARGO_PROFILE_DEV_DEBUG=line-tables-only RUST_BACKTRACE=0
concurrent=(-p sessile-loom-tests --features __internals --target "$host"
    --test cache_threads --test cache_threshold --test cache_listener --test cache_values)
