// RocksDB's own interface behind C, with what its C interface lacks: status codes, listeners, witnesses in the
// write-ahead log. No type of RocksDB comes out. Every function that can fail returns a status; its message, if there
// is one, belongs to the caller, who frees it with spillway_status_free.
#ifndef SPILLWAY_ROCKSDB_H
#define SPILLWAY_ROCKSDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct spillway_db spillway_db;
typedef struct spillway_family spillway_family;
typedef struct spillway_batch spillway_batch;
typedef struct spillway_snapshot spillway_snapshot;
typedef struct spillway_iterator spillway_iterator;
typedef struct spillway_multi spillway_multi;

// code, subcode and severity are RocksDB's numbers; code 0 is success, 1 not found, 7 incomplete.
typedef struct {
    int32_t code, subcode, severity;
    char *message;
} spillway_status;

typedef struct {
    const void *data;
    size_t size;
} spillway_bytes;

// Space for a pinned value on the caller's stack; its address must not change between get and release.
typedef struct {
    uint64_t words[20];
} spillway_pin;

typedef struct {
    uint64_t block_cache_bytes, write_buffer_bytes, max_wal_bytes;
    int32_t max_open_files, background_jobs, recovery_mode;
    bool create, statistics, read_only;
    void *context;
    // kind 0: a background error, 1: recovered from it, 2: a sync has failed, told before anybody else hears of it.
    void (*on_event)(void *context, int kind, int reason, int code, int subcode, int severity, const char *message);
} spillway_db_options;

typedef struct {
    const char *name;
    size_t name_size;
    uint64_t write_buffer_bytes, target_file_bytes, level_base_bytes;
    int32_t write_buffers, block_bytes, restart_interval, filter;  // filter: 0 none, 1 bloom, 2 ribbon
    double filter_bits;
    int32_t prefix_bytes;                     // -1: none
    bool memtable_appends;                    // sorted when read
    uint32_t memtable_buckets;                // 0: a skip list; else a hash table of lists, by prefix
    int32_t compression, bottom_compression;  // 0 none, 4 lz4, 7 zstd, as RocksDB numbers them
    int32_t zstd_level, dictionary_bytes, level0_trigger;
    bool whole_key_filter, optimize_filters_for_hits, hash_index_in_blocks, ascending, dynamic_levels;
} spillway_family_options;

void spillway_status_free(char *message);

// Opens with the families given, which must be all that exist; missing ones are made. Handles in the order given.
spillway_status spillway_db_open(
    const char *path, const spillway_db_options *options, const spillway_family_options *families, size_t count,
    spillway_db **db, spillway_family **handles);
spillway_status spillway_db_close(spillway_db *db);
// Calls found for each family's name.
spillway_status spillway_db_list_families(
    const char *path, void *context, void (*found)(void *context, const char *name, size_t size));
spillway_status spillway_db_create_family(
    spillway_db *db, const spillway_family_options *options, spillway_family **handle);
spillway_status spillway_db_drop_family(spillway_db *db, spillway_family *family);
void spillway_family_free(spillway_family *family);

// A read: tier 0 reads all, 1 only what is in memory (status incomplete else). snapshot may be null.
typedef struct {
    const spillway_snapshot *snapshot;
    int32_t tier;
    bool fill_cache;
} spillway_read;

spillway_status spillway_db_get(
    spillway_db *db, spillway_family *family, spillway_read read, spillway_bytes key, spillway_pin *pin,
    spillway_bytes *value);
void spillway_pin_release(spillway_pin *pin);

spillway_multi *spillway_db_multi_get(
    spillway_db *db, spillway_family *family, spillway_read read, size_t count, const spillway_bytes *keys,
    bool sorted);
// The status' code is 1 if the key is not there.
spillway_status spillway_multi_value(spillway_multi *multi, size_t index, spillway_bytes *value);
void spillway_multi_free(spillway_multi *multi);

typedef struct {
    spillway_read read;
    spillway_bytes lower, upper;  // copied; data null: no bound
    bool prefix_same_as_start, total_order, pin;
    size_t readahead;
} spillway_iterator_options;

spillway_iterator *spillway_iterator_new(
    spillway_db *db, spillway_family *family, const spillway_iterator_options *options);
void spillway_iterator_free(spillway_iterator *it);
bool spillway_iterator_valid(const spillway_iterator *it);
bool spillway_iterator_first(spillway_iterator *it);
bool spillway_iterator_last(spillway_iterator *it);
bool spillway_iterator_seek(spillway_iterator *it, spillway_bytes key);
bool spillway_iterator_seek_for_previous(spillway_iterator *it, spillway_bytes key);
bool spillway_iterator_next(spillway_iterator *it);
bool spillway_iterator_previous(spillway_iterator *it);
spillway_bytes spillway_iterator_key(const spillway_iterator *it);
spillway_bytes spillway_iterator_value(const spillway_iterator *it);
spillway_status spillway_iterator_status(const spillway_iterator *it);
// How many marks of deleted keys the calling thread's iterators have stepped over so far.
uint64_t spillway_skipped_deletes(void);

spillway_snapshot *spillway_db_snapshot(spillway_db *db);
void spillway_db_release_snapshot(spillway_db *db, spillway_snapshot *snapshot);
uint64_t spillway_snapshot_sequence(const spillway_snapshot *snapshot);
uint64_t spillway_db_latest_sequence(const spillway_db *db);

spillway_batch *spillway_batch_new(size_t reserved_bytes);
void spillway_batch_free(spillway_batch *batch);
void spillway_batch_clear(spillway_batch *batch);
size_t spillway_batch_count(const spillway_batch *batch);
size_t spillway_batch_bytes(const spillway_batch *batch);
spillway_status spillway_batch_put(
    spillway_batch *batch, spillway_family *family, spillway_bytes key, spillway_bytes value);
spillway_status spillway_batch_put_parts(
    spillway_batch *batch, spillway_family *family, spillway_bytes key, const spillway_bytes *parts, size_t count);
spillway_status spillway_batch_delete(spillway_batch *batch, spillway_family *family, spillway_bytes key);
spillway_status spillway_batch_single_delete(spillway_batch *batch, spillway_family *family, spillway_bytes key);
spillway_status spillway_batch_delete_range(
    spillway_batch *batch, spillway_family *family, spillway_bytes begin, spillway_bytes end);
void spillway_batch_set_save_point(spillway_batch *batch);
spillway_status spillway_batch_rollback(spillway_batch *batch);

// Writes the batch with the witness (a blob that no memtable sees) behind its entries; the batch is unchanged after.
spillway_status spillway_db_write(
    spillway_db *db, spillway_batch *batch, spillway_bytes witness, bool sync);
spillway_status spillway_db_sync_wal(spillway_db *db);
// family null: all of them.
spillway_status spillway_db_flush(spillway_db *db, spillway_family *family, bool wait);
// Both bounds null: everything.
spillway_status spillway_db_compact(
    spillway_db *db, spillway_family *family, spillway_bytes begin, spillway_bytes end, bool bottommost);
// Drops whole files whose keys are in [begin, end), level 0 excepted.
spillway_status spillway_db_delete_files(
    spillway_db *db, spillway_family *family, spillway_bytes begin, spillway_bytes end);
// Calls found for each live file of the family.
void spillway_db_files(
    spillway_db *db, spillway_family *family, void *context,
    void (*found)(
        void *context, int level, uint64_t bytes, spillway_bytes smallest, spillway_bytes largest));
spillway_status spillway_db_checkpoint(spillway_db *db, const char *path);
spillway_status spillway_db_resume(spillway_db *db);
bool spillway_db_int_property(spillway_db *db, spillway_family *family, const char *name, uint64_t *value);
// Summed over all families.
bool spillway_db_aggregated_property(spillway_db *db, const char *name, uint64_t *value);
char *spillway_db_property(spillway_db *db, spillway_family *family, const char *name);
uint64_t spillway_db_wal_bytes(spillway_db *db);
uint64_t spillway_db_ticker(const spillway_db *db, int which);
uint64_t spillway_db_block_cache_usage(const spillway_db *db);
uint64_t spillway_db_write_buffer_usage(const spillway_db *db);

// The tickers that metrics are made of.
typedef enum {
    SPILLWAY_TICKER_CACHE_HIT,
    SPILLWAY_TICKER_CACHE_MISS,
    SPILLWAY_TICKER_STALL_MICROS,
    SPILLWAY_TICKER_COMPACT_READ,
    SPILLWAY_TICKER_COMPACT_WRITE,
    SPILLWAY_TICKER_FLUSH_WRITE,
    SPILLWAY_TICKER_BYTES_WRITTEN,
    SPILLWAY_TICKER_WAL_BYTES,
    SPILLWAY_TICKER_WAL_SYNCS,
    SPILLWAY_TICKER_FILTER_USEFUL,
    SPILLWAY_TICKER_COUNT
} SPILLWAY_TICKER;

// What the bytes of a write batch, as they stand in the log, say. ok false: they are no batch.
typedef struct {
    bool ok;
    uint64_t sequence, count;
    bool has_witness;
    uint64_t witness;
} spillway_batch_summary;

// magic: the eight bytes with which a witness begins; behind them the sequence, little endian.
spillway_batch_summary spillway_batch_inspect(spillway_bytes record, spillway_bytes magic);
// Calls visit for each put and delete of a batch as it stands in the log; a deleted range is not visited.
spillway_status spillway_batch_visit(
    spillway_bytes record, void *context,
    void (*visit)(void *context, uint32_t family, bool put, spillway_bytes key, spillway_bytes value));
uint32_t spillway_family_id(const spillway_family *family);
uint32_t spillway_crc32c(uint32_t initial, const void *data, size_t size);

#ifdef __cplusplus
}
#endif
#endif
