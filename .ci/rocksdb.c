/* What polodb 5.3 calls of RocksDB 9 and Debian's RocksDB 7.8 has not: waiting for compactions, which the
   tests do not need. `.ci/setup` links it, so that RocksDB need not be built. */
#include <stddef.h>

void *rocksdb_wait_for_compact_options_create(void) { return NULL; }
void rocksdb_wait_for_compact_options_destroy(void *options) { (void)options; }
void rocksdb_wait_for_compact_options_set_flush(void *options, unsigned char flush) {
    (void)options;
    (void)flush;
}
void rocksdb_wait_for_compact(void *database, void *options, char **error) {
    (void)database;
    (void)options;
    (void)error;
}
