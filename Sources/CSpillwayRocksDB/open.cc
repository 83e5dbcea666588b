#include "internal.h"

#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>

#include <sched.h>
#include <sys/resource.h>

#include <cstdlib>
#include <cstring>
#include <vector>

using namespace ROCKSDB_NAMESPACE;

spillway_status spillway_make_status(const Status &status) {
    spillway_status result = {static_cast<int32_t>(status.code()), static_cast<int32_t>(status.subcode()),
                              static_cast<int32_t>(status.severity()), nullptr};
    // Not found and incomplete are answers, not failures: no message is made for them.
    if (!status.ok() && !status.IsNotFound() && !status.IsIncomplete()) {
        result.message = strdup(status.ToString().c_str());
    }
    return result;
}

void spillway_status_free(char *message) { free(message); }

namespace {

class Listener : public EventListener {
   public:
    explicit Listener(const spillway_db_options &options) : context_(options.context), on_event_(options.on_event) {}

    void OnBackgroundError(BackgroundErrorReason reason, Status *error) override {
        on_event_(context_, 0, static_cast<int>(reason), error->code(), error->subcode(), error->severity(),
                  error->ToString().c_str());
    }
    // Both run on RocksDB's own thread for it, and can wait a little where requests can't; more than a little holds up
    // writes (see family_options).
    void OnFlushBegin(DB *, const FlushJobInfo &) override { setpriority(PRIO_PROCESS, 0, 5); }
    void OnCompactionBegin(DB *, const CompactionJobInfo &) override {
        // What computes for seconds: it need not interrupt anybody to go on.
        struct sched_param none = {};
        sched_setscheduler(0, SCHED_BATCH, &none);
        setpriority(PRIO_PROCESS, 0, 10);
    }
    void OnErrorRecoveryCompleted(Status old) override {
        on_event_(context_, 1, 0, old.code(), old.subcode(), old.severity(), old.ToString().c_str());
    }

   private:
    void *context_;
    void (*on_event_)(void *, int, int, int, int, int, const char *);
};

std::unique_ptr<Env> environment(const spillway_db_options &options) {
    auto file_system = spillway_log_file_system(FileSystem::Default());
    if (options.on_event) {
        auto on_event = options.on_event;
        void *context = options.context;
        file_system = spillway_watched_file_system(file_system, [on_event, context](const IOStatus &error) {
            on_event(context, 2, 0, error.code(), error.subcode(), error.severity(), error.ToString().c_str());
        });
    }
    return NewCompositeEnv(file_system);
}

// A database that is only looked at leaves no log file of its own either.
class Silence : public Logger {
   public:
    using Logger::Logv;
    void Logv(const char *, va_list) override {}
};

BlockBasedTableOptions table_options(const spillway_family_options &o, const std::shared_ptr<Cache> &cache) {
    BlockBasedTableOptions table;
    table.block_cache = cache;
    table.block_size = static_cast<size_t>(o.block_bytes);
    table.block_restart_interval = o.restart_interval;
    table.format_version = 5;
    table.cache_index_and_filter_blocks = true;
    table.cache_index_and_filter_blocks_with_high_priority = true;
    table.pin_l0_filter_and_index_blocks_in_cache = true;
    table.optimize_filters_for_memory = true;
    table.whole_key_filtering = o.whole_key_filter;
    if (o.hash_index_in_blocks) {
        table.data_block_index_type = BlockBasedTableOptions::kDataBlockBinaryAndHash;
    }
    if (o.filter != 0) {
        // In blocks of their own: a large file's whole filter is megabytes, more than a shard of the cache takes, and
        // would be read anew for each key.
        table.partition_filters = true;
        table.index_type = BlockBasedTableOptions::kTwoLevelIndexSearch;
        table.pin_top_level_index_and_filter = true;
    }
    if (o.filter == 1) table.filter_policy.reset(NewBloomFilterPolicy(o.filter_bits, false));
    if (o.filter == 2) table.filter_policy.reset(NewRibbonFilterPolicy(o.filter_bits));
    return table;
}

ColumnFamilyOptions family_options(const spillway_family_options &o, const std::shared_ptr<Cache> &cache) {
    ColumnFamilyOptions cf;
    cf.table_factory.reset(NewBlockBasedTableFactory(table_options(o, cache)));
    cf.write_buffer_size = o.write_buffer_bytes;
    cf.max_write_buffer_number = o.write_buffers;
    cf.target_file_size_base = o.target_file_bytes;
    cf.max_bytes_for_level_base = o.level_base_bytes;
    cf.level_compaction_dynamic_level_bytes = o.dynamic_levels;
    cf.level0_file_num_compaction_trigger = o.level0_trigger;
    cf.optimize_filters_for_hits = o.optimize_filters_for_hits;
    cf.compression = static_cast<CompressionType>(o.compression);
    cf.bottommost_compression = static_cast<CompressionType>(o.bottom_compression);
    if (o.zstd_level != 0) cf.compression_opts.level = o.zstd_level;
    cf.bottommost_compression_opts.enabled = true;
    if (o.zstd_level != 0) cf.bottommost_compression_opts.level = o.zstd_level;
    if (o.dictionary_bytes > 0) {
        cf.bottommost_compression_opts.max_dict_bytes = static_cast<uint32_t>(o.dictionary_bytes);
        cf.bottommost_compression_opts.zstd_max_train_bytes = static_cast<uint32_t>(o.dictionary_bytes) * 64;
    }
    if (o.prefix_bytes >= 0) {
        // Shorter keys are their own prefix.
        cf.prefix_extractor.reset(NewCappedPrefixTransform(static_cast<size_t>(o.prefix_bytes)));
    }
    if (o.memtable_buckets > 0 && o.prefix_bytes >= 0) {
        cf.memtable_factory.reset(spillway_hashed_memtable(o.memtable_buckets));
    }
    if (o.memtable_appends) cf.memtable_factory.reset(spillway_appended_memtable());
    // Stalls hold up the log too; projections give way by themselves, long before (Database.giveWayToCompactions).
    cf.level0_slowdown_writes_trigger = 48;
    cf.level0_stop_writes_trigger = 96;
    cf.soft_pending_compaction_bytes_limit = 8ull << 30;
    cf.hard_pending_compaction_bytes_limit = 64ull << 30;
    if (o.ascending) {
        // Keys only ascend and are never written twice, so files never overlap and every compaction is a move, as
        // long as all levels compress alike and nothing rewrites a file for its age.
        cf.ttl = 0;
        cf.periodic_compaction_seconds = 0;
        cf.bottommost_compression = kDisableCompressionOption;
        cf.bottommost_compression_opts.enabled = false;
        cf.level0_slowdown_writes_trigger = 64;
        cf.level0_stop_writes_trigger = 128;
        cf.soft_pending_compaction_bytes_limit = 0;
        cf.hard_pending_compaction_bytes_limit = 0;
    }
    return cf;
}

DBOptions db_options(const spillway_db_options &o, spillway_db &owner) {
    DBOptions db;
    if (!o.read_only) {
        owner.env = environment(o);
        db.env = owner.env.get();
    }
    db.create_if_missing = o.create;
    db.create_missing_column_families = true;
    db.wal_recovery_mode = static_cast<WALRecoveryMode>(o.recovery_mode);
    db.max_open_files = o.max_open_files;
    db.max_background_jobs = o.background_jobs;
    db.max_total_wal_size = o.max_wal_bytes;
    db.write_buffer_manager = owner.buffers;
    db.bytes_per_sync = 1 << 20;
    // Hashed memtables take one writer at a time, so the log's batch waits for a projection's: those are small.
    db.allow_concurrent_memtable_write = false;
    db.info_log_level = WARN_LEVEL;
    db.max_log_file_size = 8 << 20;
    db.keep_log_file_num = 4;
    db.stats_dump_period_sec = 0;
    db.stats_persist_period_sec = 0;
    db.statistics = owner.statistics;
    if (o.read_only) db.info_log = std::make_shared<Silence>();
    if (o.on_event) db.listeners.push_back(std::make_shared<Listener>(o));
    return db;
}

}  // namespace

spillway_status spillway_db_open(
    const char *path, const spillway_db_options *options, const spillway_family_options *families, size_t count,
    spillway_db **db, spillway_family **handles) {
    auto owner = std::make_unique<spillway_db>();
    owner->cache = NewLRUCache(options->block_cache_bytes, -1, false, 0.5);
    if (options->write_buffer_bytes > 0) {
        owner->buffers = std::make_shared<WriteBufferManager>(options->write_buffer_bytes);
    }
    if (options->statistics) {
        owner->statistics = CreateDBStatistics();
        owner->statistics->set_stats_level(StatsLevel::kExceptHistogramOrTimers);
    }
    std::vector<ColumnFamilyDescriptor> descriptors;
    for (size_t i = 0; i < count; i++) {
        descriptors.emplace_back(std::string(families[i].name, families[i].name_size),
                                 family_options(families[i], owner->cache));
    }
    std::vector<ColumnFamilyHandle *> opened;
    DBOptions db_opts = db_options(*options, *owner);
    Status status = options->read_only ? DB::OpenForReadOnly(db_opts, path, descriptors, &opened, &owner->db)
                                       : DB::Open(db_opts, path, descriptors, &opened, &owner->db);
    if (!status.ok()) return spillway_make_status(status);
    for (size_t i = 0; i < count; i++) handles[i] = new spillway_family{owner->db, opened[i]};
    *db = owner.release();
    return spillway_make_status(status);
}

spillway_status spillway_db_close(spillway_db *db) {
    Status status = db->db->Close();
    delete db->db;
    delete db;
    return spillway_make_status(status);
}

spillway_status spillway_db_list_families(
    const char *path, void *context, void (*found)(void *, const char *, size_t)) {
    std::vector<std::string> names;
    Status status = DB::ListColumnFamilies(DBOptions(), path, &names);
    for (const auto &name : names) found(context, name.data(), name.size());
    return spillway_make_status(status);
}

spillway_status spillway_db_create_family(
    spillway_db *db, const spillway_family_options *options, spillway_family **handle) {
    ColumnFamilyHandle *opened = nullptr;
    Status status = db->db->CreateColumnFamily(
        family_options(*options, db->cache), std::string(options->name, options->name_size), &opened);
    if (status.ok()) *handle = new spillway_family{db->db, opened};
    return spillway_make_status(status);
}

spillway_status spillway_db_drop_family(spillway_db *db, spillway_family *family) {
    return spillway_make_status(db->db->DropColumnFamily(family->handle));
}

void spillway_family_free(spillway_family *family) {
    family->db->DestroyColumnFamilyHandle(family->handle).PermitUncheckedError();
    delete family;
}
