#include "internal.h"

#include <rocksdb/convenience.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <cstring>
#include <vector>

using namespace ROCKSDB_NAMESPACE;

struct spillway_batch {
    WriteBatch batch;
    explicit spillway_batch(size_t reserved) : batch(reserved) {}
};

spillway_batch *spillway_batch_new(size_t reserved_bytes) { return new spillway_batch(reserved_bytes); }
void spillway_batch_free(spillway_batch *batch) { delete batch; }
void spillway_batch_clear(spillway_batch *batch) { batch->batch.Clear(); }
size_t spillway_batch_count(const spillway_batch *batch) { return batch->batch.Count(); }
size_t spillway_batch_bytes(const spillway_batch *batch) { return batch->batch.GetDataSize(); }

spillway_status spillway_batch_put(
    spillway_batch *batch, spillway_family *family, spillway_bytes key, spillway_bytes value) {
    return spillway_make_status(batch->batch.Put(family->handle, slice(key), slice(value)));
}

spillway_status spillway_batch_put_parts(
    spillway_batch *batch, spillway_family *family, spillway_bytes key, const spillway_bytes *parts, size_t count) {
    Slice key_slice = slice(key);
    std::vector<Slice> slices;
    slices.reserve(count);
    for (size_t i = 0; i < count; i++) slices.push_back(slice(parts[i]));
    return spillway_make_status(batch->batch.Put(
        family->handle, SliceParts(&key_slice, 1), SliceParts(slices.data(), static_cast<int>(count))));
}

spillway_status spillway_batch_delete(spillway_batch *batch, spillway_family *family, spillway_bytes key) {
    return spillway_make_status(batch->batch.Delete(family->handle, slice(key)));
}

spillway_status spillway_batch_single_delete(spillway_batch *batch, spillway_family *family, spillway_bytes key) {
    return spillway_make_status(batch->batch.SingleDelete(family->handle, slice(key)));
}

spillway_status spillway_batch_delete_range(
    spillway_batch *batch, spillway_family *family, spillway_bytes begin, spillway_bytes end) {
    return spillway_make_status(batch->batch.DeleteRange(family->handle, slice(begin), slice(end)));
}

void spillway_batch_set_save_point(spillway_batch *batch) { batch->batch.SetSavePoint(); }
spillway_status spillway_batch_rollback(spillway_batch *batch) {
    return spillway_make_status(batch->batch.RollbackToSavePoint());
}

spillway_status spillway_db_write(
    spillway_db *db, spillway_batch *batch, spillway_bytes witness, bool sync) {
    WriteOptions options;
    options.sync = sync;
    if (witness.size > 0) {
        // The witness goes behind the entries and comes off again, so that a batch can be written twice.
        batch->batch.SetSavePoint();
        Status status = batch->batch.PutLogData(slice(witness));
        if (status.ok()) status = db->db->Write(options, &batch->batch);
        batch->batch.RollbackToSavePoint().PermitUncheckedError();
        return spillway_make_status(status);
    }
    return spillway_make_status(db->db->Write(options, &batch->batch));
}

spillway_status spillway_db_sync_wal(spillway_db *db) { return spillway_make_status(db->db->SyncWAL()); }

static std::vector<ColumnFamilyHandle *> one_family(spillway_family *family) { return {family->handle}; }

spillway_status spillway_db_flush(spillway_db *db, spillway_family *family, bool wait) {
    FlushOptions options;
    options.wait = wait;
    options.allow_write_stall = true;
    return spillway_make_status(db->db->Flush(options, one_family(family)));
}

spillway_status spillway_db_compact(
    spillway_db *db, spillway_family *family, spillway_bytes begin, spillway_bytes end, bool bottommost) {
    CompactRangeOptions options;
    options.exclusive_manual_compaction = false;
    options.bottommost_level_compaction =
        bottommost ? BottommostLevelCompaction::kForceOptimized : BottommostLevelCompaction::kIfHaveCompactionFilter;
    Slice from = slice(begin), to = slice(end);
    return spillway_make_status(
        db->db->CompactRange(options, family->handle, begin.data ? &from : nullptr, end.data ? &to : nullptr));
}

spillway_status spillway_db_delete_files(
    spillway_db *db, spillway_family *family, spillway_bytes begin, spillway_bytes end) {
    Slice from = slice(begin), to = slice(end);
    return spillway_make_status(DeleteFilesInRange(
        db->db, family->handle, begin.data ? &from : nullptr, end.data ? &to : nullptr, false));
}

void spillway_db_files(
    spillway_db *db, spillway_family *family, void *context,
    void (*found)(void *, int, uint64_t, spillway_bytes, spillway_bytes)) {
    ColumnFamilyMetaData metadata;
    db->db->GetColumnFamilyMetaData(family->handle, &metadata);
    for (const auto &level : metadata.levels) {
        for (const auto &file : level.files) {
            found(context, level.level, file.size, bytes(file.smallestkey), bytes(file.largestkey));
        }
    }
}

spillway_status spillway_db_checkpoint(spillway_db *db, const char *path) {
    Checkpoint *made = nullptr;
    Status status = Checkpoint::Create(db->db, &made);
    std::unique_ptr<Checkpoint> checkpoint(made);
    if (status.ok()) status = checkpoint->CreateCheckpoint(path, 0);
    return spillway_make_status(status);
}

spillway_status spillway_db_resume(spillway_db *db) { return spillway_make_status(db->db->Resume()); }

bool spillway_db_int_property(spillway_db *db, spillway_family *family, const char *name, uint64_t *value) {
    return db->db->GetIntProperty(family->handle, name, value);
}

bool spillway_db_aggregated_property(spillway_db *db, const char *name, uint64_t *value) {
    return db->db->GetAggregatedIntProperty(name, value);
}

char *spillway_db_property(spillway_db *db, spillway_family *family, const char *name) {
    std::string value;
    if (!db->db->GetProperty(family->handle, name, &value)) return nullptr;
    return strdup(value.c_str());
}

uint64_t spillway_db_wal_bytes(spillway_db *db) {
    VectorLogPtr files;
    uint64_t total = 0;
    if (!db->db->GetSortedWalFiles(files).ok()) return 0;
    for (const auto &file : files) {
        if (file->Type() == kAliveLogFile) total += file->SizeFileBytes();
    }
    return total;
}

uint64_t spillway_db_ticker(const spillway_db *db, int which) {
    static const uint32_t tickers[SPILLWAY_TICKER_COUNT] = {
        BLOCK_CACHE_HIT, BLOCK_CACHE_MISS, STALL_MICROS,   COMPACT_READ_BYTES, COMPACT_WRITE_BYTES,
        FLUSH_WRITE_BYTES, BYTES_WRITTEN,  WAL_FILE_BYTES, WAL_FILE_SYNCED,    BLOOM_FILTER_USEFUL};
    if (!db->statistics || which < 0 || which >= SPILLWAY_TICKER_COUNT) return 0;
    return db->statistics->getTickerCount(tickers[which]);
}

uint64_t spillway_db_block_cache_usage(const spillway_db *db) { return db->cache->GetUsage(); }
uint64_t spillway_db_write_buffer_usage(const spillway_db *db) {
    return db->buffers ? db->buffers->memory_usage() : 0;
}
