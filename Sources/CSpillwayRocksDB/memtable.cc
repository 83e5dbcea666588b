#include "internal.h"

using namespace ROCKSDB_NAMESPACE;

namespace {

// A memtable that is read through RocksDB's hash table of skip lists and walked, when it is flushed, through RocksDB's
// vector. The hash table alone has no order over all its keys: for each flush it puts them one by one into another skip
// list, which costs more than all inserts did before. The vector sorts them at once.
class HashedMemTable : public MemTableRep {
   public:
    HashedMemTable(Allocator *allocator, MemTableRep *hashed, MemTableRep *ordered)
        : MemTableRep(allocator), hashed_(hashed), ordered_(ordered) {}

    void Insert(KeyHandle handle) override {
        hashed_->Insert(handle);
        ordered_->Insert(handle);
    }
    bool Contains(const char *key) const override { return hashed_->Contains(key); }
    void MarkReadOnly() override {
        hashed_->MarkReadOnly();
        ordered_->MarkReadOnly();
    }
    void Get(const LookupKey &key, void *context, bool (*found)(void *, const char *)) override {
        hashed_->Get(key, context, found);
    }
    size_t ApproximateMemoryUsage() override {
        return hashed_->ApproximateMemoryUsage() + ordered_->ApproximateMemoryUsage();
    }
    Iterator *GetIterator(Arena *arena) override { return ordered_->GetIterator(arena); }
    Iterator *GetDynamicPrefixIterator(Arena *arena) override { return hashed_->GetDynamicPrefixIterator(arena); }

   private:
    std::unique_ptr<MemTableRep> hashed_, ordered_;
};

class HashedMemTableFactory : public MemTableRepFactory {
   public:
    HashedMemTableFactory(size_t buckets, int32_t height) : hashed_(NewHashSkipListRepFactory(buckets, height, 4)) {}

    const char *Name() const override { return "SpillwayHashedMemTable"; }
    using MemTableRepFactory::CreateMemTableRep;
    MemTableRep *CreateMemTableRep(const MemTableRep::KeyComparator &compare, Allocator *allocator,
                                   const SliceTransform *prefix, Logger *logger) override {
        return new HashedMemTable(allocator, hashed_->CreateMemTableRep(compare, allocator, prefix, logger),
                                  ordered_.CreateMemTableRep(compare, allocator, prefix, logger));
    }

   private:
    std::unique_ptr<MemTableRepFactory> hashed_;
    VectorRepFactory ordered_;
};

}  // namespace

MemTableRepFactory *spillway_hashed_memtable(size_t buckets, int32_t height) {
    return new HashedMemTableFactory(buckets, height);
}
