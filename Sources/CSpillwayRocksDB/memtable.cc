#include "internal.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <vector>

using namespace ROCKSDB_NAMESPACE;

namespace {

using Keys = std::vector<const char *>;

// A key with its first bytes beside it, as numbers that compare like them. Sorting by these alone hardly ever has to look
// at a key, and a key is a miss of the processor's cache.
struct SortedKey {
    uint64_t high, low;
    const char *key;

    explicit SortedKey(const MemTableRep::KeyComparator &compare, const char *key) : key(key) {
        // Behind the user's part of a key stand eight bytes: sequence and kind.
        Slice internal = compare.decode_key(key);
        unsigned char head[16] = {};
        memcpy(head, internal.data(), std::min(internal.size() - 8, sizeof head));
        memcpy(&high, head, 8);
        memcpy(&low, head + 8, 8);
        high = __builtin_bswap64(high);
        low = __builtin_bswap64(low);
    }
};

using SortedKeys = std::vector<SortedKey>;

std::shared_ptr<const SortedKeys> sorted(const Keys &keys, const MemTableRep::KeyComparator &compare) {
    auto result = std::make_shared<SortedKeys>();
    result->reserve(keys.size());
    for (const char *key : keys) result->emplace_back(compare, key);
    std::sort(result->begin(), result->end(), [&compare](const SortedKey &a, const SortedKey &b) {
        if (a.high != b.high) return a.high < b.high;
        if (a.low != b.low) return a.low < b.low;
        return compare(a.key, b.key) < 0;
    });
    return result;
}

class SortedIterator : public MemTableRep::Iterator {
   public:
    SortedIterator(std::shared_ptr<const SortedKeys> keys, const MemTableRep::KeyComparator &compare)
        : keys_(std::move(keys)), compare_(compare), place_(keys_->size()) {}

    bool Valid() const override { return place_ < keys_->size(); }
    const char *key() const override { return (*keys_)[place_].key; }
    void Next() override {
        place_++;
        if (place_ + kAhead < keys_->size()) __builtin_prefetch((*keys_)[place_ + kAhead].key);
    }
    // In front of the first stands the end, where no place is valid either.
    void Prev() override { place_ = place_ == 0 ? keys_->size() : place_ - 1; }
    void Seek(const Slice &internal, const char *) override {
        place_ = std::partition_point(keys_->begin(), keys_->end(),
                                      [&](const SortedKey &k) { return compare_(k.key, internal) < 0; }) -
                 keys_->begin();
    }
    void SeekForPrev(const Slice &internal, const char *) override {
        place_ = std::partition_point(keys_->begin(), keys_->end(),
                                      [&](const SortedKey &k) { return compare_(k.key, internal) <= 0; }) -
                 keys_->begin();
        Prev();
    }
    void SeekToFirst() override { place_ = 0; }
    void SeekToLast() override {
        place_ = keys_->size();
        Prev();
    }

   private:
    static constexpr size_t kAhead = 8;
    std::shared_ptr<const SortedKeys> keys_;
    const MemTableRep::KeyComparator &compare_;
    size_t place_;
};

// A memtable that is read through RocksDB's hash table of lists, and walked, when it is flushed, through an array that is
// sorted then. The hash table alone has no order over all its keys: for each flush it puts them one by one into a skip
// list, which costs more than all inserts did before.
class HashedMemTable : public MemTableRep {
   public:
    HashedMemTable(Allocator *allocator, const KeyComparator &compare, MemTableRep *hashed)
        : MemTableRep(allocator), compare_(compare), hashed_(hashed) {}

    // The hash table's handle is not the key, but what it links into its list, with the key inside.
    KeyHandle Allocate(const size_t size, char **key) override {
        KeyHandle handle = hashed_->Allocate(size, key);
        key_offset_ = *key - static_cast<char *>(handle);
        return handle;
    }
    void Insert(KeyHandle handle) override {
        hashed_->Insert(handle);
        std::lock_guard<std::mutex> lock(mutex_);
        keys_.push_back(static_cast<char *>(handle) + key_offset_);
    }
    bool Contains(const char *key) const override { return hashed_->Contains(key); }
    void MarkReadOnly() override {
        hashed_->MarkReadOnly();
        std::lock_guard<std::mutex> lock(mutex_);
        is_read_only_ = true;
    }
    void Get(const LookupKey &key, void *context, bool (*found)(void *, const char *)) override {
        hashed_->Get(key, context, found);
    }
    size_t ApproximateMemoryUsage() override {
        std::lock_guard<std::mutex> lock(mutex_);
        return hashed_->ApproximateMemoryUsage() + keys_.capacity() * sizeof(keys_[0]);
    }
    Iterator *GetIterator(Arena *arena) override {
        std::lock_guard<std::mutex> lock(mutex_);
        std::shared_ptr<const SortedKeys> keys = sorted_;
        if (!keys) keys = sorted(keys_, compare_);
        if (is_read_only_) sorted_ = keys;
        if (!arena) return new SortedIterator(keys, compare_);
        // RocksDB runs the destructor of an arena's iterator and leaves the memory to the arena, whose type is not public.
        // There are a few of them in a memtable's life, so the memtable keeps their memory.
        places_.emplace_back(new char[sizeof(SortedIterator)]);
        return new (places_.back().get()) SortedIterator(keys, compare_);
    }
    Iterator *GetDynamicPrefixIterator(Arena *arena) override { return hashed_->GetDynamicPrefixIterator(arena); }

   private:
    const KeyComparator &compare_;
    std::unique_ptr<MemTableRep> hashed_;
    size_t key_offset_ = 0;
    // Guards what stands below: there is one writer, but the table may be walked while it writes.
    std::mutex mutex_;
    Keys keys_;
    bool is_read_only_ = false;
    std::shared_ptr<const SortedKeys> sorted_;
    std::vector<std::unique_ptr<char[]>> places_;
};

class HashedMemTableFactory : public MemTableRepFactory {
   public:
    // A list that grows long, of a target that everybody votes on, becomes a skip list. Nothing is logged.
    explicit HashedMemTableFactory(size_t buckets) : hashed_(NewHashLinkListRepFactory(buckets, 0, 0, false, 64)) {}

    const char *Name() const override { return "SpillwayHashedMemTable"; }
    using MemTableRepFactory::CreateMemTableRep;
    MemTableRep *CreateMemTableRep(const MemTableRep::KeyComparator &compare, Allocator *allocator,
                                   const SliceTransform *prefix, Logger *logger) override {
        return new HashedMemTable(allocator, compare, hashed_->CreateMemTableRep(compare, allocator, prefix, logger));
    }

   private:
    std::unique_ptr<MemTableRepFactory> hashed_;
};

}  // namespace

MemTableRepFactory *spillway_hashed_memtable(size_t buckets) { return new HashedMemTableFactory(buckets); }
