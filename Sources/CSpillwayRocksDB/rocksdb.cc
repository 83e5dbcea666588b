#include "spillway_rocksdb.h"

#include <rocksdb/version.h>

int spillway_rocksdb_version(void) { return ROCKSDB_MAJOR * 100 + ROCKSDB_MINOR; }
