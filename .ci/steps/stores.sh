#!/usr/bin/env bash
# every store with its real server: contract, faults, sharing with Python; README's table of stores
source .ci/whole.sh
# These tests wait more than they work.
export CARGO_TARGET_DIR=$SESSILE_TARGET SESSILE_TEST_SERVERS=all RUST_TEST_THREADS=6
source .ci/python.sh
export SESSILE_ROWS=$SESSILE_TARGET/store-rows
rm -rf "$SESSILE_ROWS"
mkdir -p "$SESSILE_ROWS"
cargo test "${whole[@]}" --test store_contract --test store_file --test store_redis --test store_memcached \
    --test store_sql --test store_mongodb --test store_tiered --test store_survey --test stores --test admin

# What README says of the stores is what was found just now.
{
    sed '/<!-- stores -->/q' README.md
    printf '| store | promises kept | promises weakened | tested with |\n|---|---|---|---|\n'
    cat "$SESSILE_ROWS"/*
    sed -n '/<!-- \/stores -->/,$p' README.md
} >"$SESSILE_TARGET/readme.md"
if [[ $SESSILE_BLESS ]]; then
    cp "$SESSILE_TARGET/readme.md" README.md
elif ! diff -u README.md "$SESSILE_TARGET/readme.md"; then
    echo 'the table of stores in README.md is not what the suite found: .ci/run stores --bless writes it' >&2
    exit 1
fi
