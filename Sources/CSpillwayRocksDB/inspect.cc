#include "internal.h"

#include <rocksdb/write_batch.h>

#include <cstring>

using namespace ROCKSDB_NAMESPACE;

// RocksDB's own checksum: exported by the library, but declared in none of the headers it installs.
namespace ROCKSDB_NAMESPACE {
namespace crc32c {
uint32_t Extend(uint32_t initial, const char *data, size_t size);
}
}  // namespace ROCKSDB_NAMESPACE

uint32_t spillway_crc32c(uint32_t initial, const void *data, size_t size) {
    return crc32c::Extend(initial, static_cast<const char *>(data), size);
}

namespace {

// Visits a batch for its witness; entries are of no interest.
class WitnessReader : public WriteBatch::Handler {
   public:
    WitnessReader(Slice magic, spillway_batch_summary *summary) : magic_(magic), summary_(summary) {}

    Status PutCF(uint32_t, const Slice &, const Slice &) override { return Status::OK(); }
    Status DeleteCF(uint32_t, const Slice &) override { return Status::OK(); }
    Status SingleDeleteCF(uint32_t, const Slice &) override { return Status::OK(); }
    Status DeleteRangeCF(uint32_t, const Slice &, const Slice &) override { return Status::OK(); }
    Status MergeCF(uint32_t, const Slice &, const Slice &) override { return Status::OK(); }
    void LogData(const Slice &blob) override {
        if (blob.size() != magic_.size() + 8 || !blob.starts_with(magic_)) return;
        uint64_t value = 0;
        for (size_t i = 0; i < 8; i++) {
            value |= static_cast<uint64_t>(static_cast<unsigned char>(blob[magic_.size() + i])) << (8 * i);
        }
        if (!summary_->has_witness || value > summary_->witness) summary_->witness = value;
        summary_->has_witness = true;
    }

   private:
    Slice magic_;
    spillway_batch_summary *summary_;
};

// Hands puts and deletes on.
class Visitor : public WriteBatch::Handler {
   public:
    Visitor(void *context, void (*visit)(void *, uint32_t, bool, spillway_bytes, spillway_bytes))
        : context_(context), visit_(visit) {}

    Status PutCF(uint32_t family, const Slice &key, const Slice &value) override {
        visit_(context_, family, true, bytes(key), bytes(value));
        return Status::OK();
    }
    Status DeleteCF(uint32_t family, const Slice &key) override {
        visit_(context_, family, false, bytes(key), spillway_bytes{nullptr, 0});
        return Status::OK();
    }
    Status SingleDeleteCF(uint32_t family, const Slice &key) override { return DeleteCF(family, key); }
    Status DeleteRangeCF(uint32_t, const Slice &, const Slice &) override { return Status::OK(); }
    Status MergeCF(uint32_t, const Slice &, const Slice &) override { return Status::OK(); }
    void LogData(const Slice &) override {}

   private:
    void *context_;
    void (*visit_)(void *, uint32_t, bool, spillway_bytes, spillway_bytes);
};

}  // namespace

spillway_status spillway_batch_visit(
    spillway_bytes record, void *context, void (*visit)(void *, uint32_t, bool, spillway_bytes, spillway_bytes)) {
    WriteBatch batch(std::string(static_cast<const char *>(record.data), record.size));
    Visitor visitor(context, visit);
    return spillway_make_status(batch.Iterate(&visitor));
}

uint32_t spillway_family_id(const spillway_family *family) { return family->handle->GetID(); }

spillway_batch_summary spillway_batch_inspect(spillway_bytes record, spillway_bytes magic) {
    spillway_batch_summary summary = {};
    if (record.size < 12) return summary;
    const auto *data = static_cast<const unsigned char *>(record.data);
    for (size_t i = 0; i < 8; i++) summary.sequence |= static_cast<uint64_t>(data[i]) << (8 * i);
    for (size_t i = 0; i < 4; i++) summary.count |= static_cast<uint64_t>(data[8 + i]) << (8 * i);
    WriteBatch batch(std::string(static_cast<const char *>(record.data), record.size));
    WitnessReader reader(slice(magic), &summary);
    summary.ok = batch.Iterate(&reader).ok();
    return summary;
}
