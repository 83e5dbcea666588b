// What the parts of the shim share; not part of its interface.
#ifndef SPILLWAY_ROCKSDB_INTERNAL_H
#define SPILLWAY_ROCKSDB_INTERNAL_H

#include "spillway_rocksdb.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/memtablerep.h>
#include <rocksdb/statistics.h>
#include <rocksdb/write_buffer_manager.h>

#include <functional>
#include <memory>
#include <string>

struct spillway_db {
    std::unique_ptr<rocksdb::Env> env;
    rocksdb::DB *db = nullptr;
    std::shared_ptr<rocksdb::Cache> cache;
    std::shared_ptr<rocksdb::WriteBufferManager> buffers;
    std::shared_ptr<rocksdb::Statistics> statistics;
};

struct spillway_family {
    rocksdb::DB *db;
    rocksdb::ColumnFamilyHandle *handle;
};

// Whether the path is of a write-ahead log.
inline bool spillway_is_log(const std::string &path) {
    return path.size() > 4 && path.compare(path.size() - 4, 4, ".log") == 0;
}
// The file system, but write-ahead logs are written over zeros.
std::shared_ptr<rocksdb::FileSystem> spillway_log_file_system(const std::shared_ptr<rocksdb::FileSystem> &base);
// The file system, but a sync that fails is told of first, by the thread that met it.
using spillway_sync_failed = std::function<void(const rocksdb::IOStatus &)>;
std::shared_ptr<rocksdb::FileSystem> spillway_watched_file_system(
    const std::shared_ptr<rocksdb::FileSystem> &base, spillway_sync_failed failed);

// Memtables whose keys are found by the hash of their prefix.
rocksdb::MemTableRepFactory *spillway_hashed_memtable(size_t buckets);
// Memtables whose keys are sorted when they are read.
rocksdb::MemTableRepFactory *spillway_appended_memtable();

spillway_status spillway_make_status(const rocksdb::Status &status);

inline rocksdb::Slice slice(spillway_bytes b) { return rocksdb::Slice(static_cast<const char *>(b.data), b.size); }
inline spillway_bytes bytes(const rocksdb::Slice &s) { return spillway_bytes{s.data(), s.size()}; }
inline const rocksdb::Snapshot *snapshot_of(const spillway_snapshot *s) {
    return reinterpret_cast<const rocksdb::Snapshot *>(s);
}
inline rocksdb::ReadOptions read_options(const spillway_read &read) {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot_of(read.snapshot);
    options.read_tier = read.tier == 1 ? rocksdb::kBlockCacheTier : rocksdb::kReadAllTier;
    options.fill_cache = read.fill_cache;
    return options;
}

#endif
