#include "internal.h"

#include <rocksdb/perf_context.h>

#include <new>
#include <vector>

using namespace ROCKSDB_NAMESPACE;

static_assert(sizeof(PinnableSlice) <= sizeof(spillway_pin), "spillway_pin must hold a PinnableSlice");
static_assert(alignof(PinnableSlice) <= alignof(spillway_pin), "and be aligned for it");

// Where a table is not open, a read that must not wait for the disk comes back as found, with an empty value: RocksDB's
// TableCache says "may exist" by that. So an empty value of such a read is no value.
static bool may_only_exist(const spillway_read &read, const Slice &value) { return read.tier == 1 && value.empty(); }

spillway_status spillway_db_get(
    spillway_db *db, spillway_family *family, spillway_read read, spillway_bytes key, spillway_pin *pin,
    spillway_bytes *value) {
    auto *pinned = new (pin) PinnableSlice();
    Status status = db->db->Get(read_options(read), family->handle, slice(key), pinned);
    if (status.ok() && may_only_exist(read, *pinned)) status = Status::Incomplete();
    if (status.ok()) {
        *value = bytes(*pinned);
    } else {
        pinned->~PinnableSlice();
    }
    return spillway_make_status(status);
}

void spillway_pin_release(spillway_pin *pin) { reinterpret_cast<PinnableSlice *>(pin)->~PinnableSlice(); }

struct spillway_multi {
    std::vector<Slice> keys;
    std::vector<PinnableSlice> values;
    std::vector<Status> statuses;
};

spillway_multi *spillway_db_multi_get(
    spillway_db *db, spillway_family *family, spillway_read read, size_t count, const spillway_bytes *keys,
    bool sorted) {
    auto *multi = new spillway_multi{std::vector<Slice>(), std::vector<PinnableSlice>(count), std::vector<Status>(count)};
    multi->keys.reserve(count);
    for (size_t i = 0; i < count; i++) multi->keys.push_back(slice(keys[i]));
    if (count > 0) {
        db->db->MultiGet(read_options(read), family->handle, count, multi->keys.data(), multi->values.data(),
                         multi->statuses.data(), sorted);
        for (size_t i = 0; i < count; i++) {
            if (multi->statuses[i].ok() && may_only_exist(read, multi->values[i])) {
                multi->statuses[i] = Status::Incomplete();
            }
        }
    }
    return multi;
}

spillway_status spillway_multi_value(spillway_multi *multi, size_t index, spillway_bytes *value) {
    const Status &status = multi->statuses[index];
    if (status.ok()) *value = bytes(multi->values[index]);
    return spillway_make_status(status);
}

void spillway_multi_free(spillway_multi *multi) { delete multi; }

struct spillway_iterator {
    std::string lower, upper;
    Slice lower_slice, upper_slice;
    std::unique_ptr<Iterator> it;
};

spillway_iterator *spillway_iterator_new(
    spillway_db *db, spillway_family *family, const spillway_iterator_options *options) {
    auto *result = new spillway_iterator();
    ReadOptions read = read_options(options->read);
    if (options->lower.data) {
        result->lower.assign(static_cast<const char *>(options->lower.data), options->lower.size);
        result->lower_slice = result->lower;
        read.iterate_lower_bound = &result->lower_slice;
    }
    if (options->upper.data) {
        result->upper.assign(static_cast<const char *>(options->upper.data), options->upper.size);
        result->upper_slice = result->upper;
        read.iterate_upper_bound = &result->upper_slice;
    }
    read.prefix_same_as_start = options->prefix_same_as_start;
    read.total_order_seek = options->total_order;
    read.pin_data = options->pin;
    read.readahead_size = options->readahead;
    result->it.reset(db->db->NewIterator(read, family->handle));
    return result;
}

void spillway_iterator_free(spillway_iterator *it) { delete it; }
bool spillway_iterator_valid(const spillway_iterator *it) { return it->it->Valid(); }
bool spillway_iterator_first(spillway_iterator *it) {
    it->it->SeekToFirst();
    return it->it->Valid();
}
bool spillway_iterator_last(spillway_iterator *it) {
    it->it->SeekToLast();
    return it->it->Valid();
}
bool spillway_iterator_seek(spillway_iterator *it, spillway_bytes key) {
    it->it->Seek(slice(key));
    return it->it->Valid();
}
bool spillway_iterator_seek_for_previous(spillway_iterator *it, spillway_bytes key) {
    it->it->SeekForPrev(slice(key));
    return it->it->Valid();
}
bool spillway_iterator_next(spillway_iterator *it) {
    it->it->Next();
    return it->it->Valid();
}
bool spillway_iterator_previous(spillway_iterator *it) {
    it->it->Prev();
    return it->it->Valid();
}
// Counted at RocksDB's default level of counting, which we leave as it is.
uint64_t spillway_skipped_deletes(void) { return get_perf_context()->internal_delete_skipped_count; }
spillway_bytes spillway_iterator_key(const spillway_iterator *it) { return bytes(it->it->key()); }
spillway_bytes spillway_iterator_value(const spillway_iterator *it) { return bytes(it->it->value()); }
spillway_status spillway_iterator_status(const spillway_iterator *it) {
    return spillway_make_status(it->it->status());
}

spillway_snapshot *spillway_db_snapshot(spillway_db *db) {
    return reinterpret_cast<spillway_snapshot *>(const_cast<Snapshot *>(db->db->GetSnapshot()));
}
void spillway_db_release_snapshot(spillway_db *db, spillway_snapshot *snapshot) {
    db->db->ReleaseSnapshot(snapshot_of(snapshot));
}
uint64_t spillway_snapshot_sequence(const spillway_snapshot *snapshot) {
    return snapshot_of(snapshot)->GetSequenceNumber();
}
uint64_t spillway_db_latest_sequence(const spillway_db *db) { return db->db->GetLatestSequenceNumber(); }
