#include "internal.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <iterator>
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

// Tells when an object that derives from it first has gone altogether: the destructor of a first base runs last.
struct TellsWhenGone {
    std::atomic<bool> *is_gone;
    ~TellsWhenGone() {
        if (is_gone) is_gone->store(true, std::memory_order_release);
    }
};

class SortedIterator final : TellsWhenGone, public MemTableRep::Iterator {
   public:
    SortedIterator(std::shared_ptr<const SortedKeys> keys, const MemTableRep::KeyComparator &compare,
                   std::atomic<bool> *is_gone = nullptr)
        : TellsWhenGone{is_gone}, keys_(std::move(keys)), compare_(compare), place_(keys_->size()) {}

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

// All keys of a memtable, in the order in which they came until somebody walks over them. Whoever does sorts what has come
// since the last walk and merges it with what was sorted then, outside of the lock that inserts take.
class KeyList {
   public:
    explicit KeyList(const MemTableRep::KeyComparator &compare) : compare_(compare) {}

    void insert(const char *key) {
        std::lock_guard<std::mutex> lock(mutex_);
        fresh_.push_back(key);
        count_.store(count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    // Of all keys, sorted or not: RocksDB insists that a memtable which is written no more keeps its size.
    size_t bytes() const { return count_.load(std::memory_order_relaxed) * sizeof(SortedKey); }
    MemTableRep::Iterator *iterator(Arena *arena) {
        std::lock_guard<std::mutex> lock(walkers_);
        std::shared_ptr<const SortedKeys> keys = sort();
        if (!arena) return new SortedIterator(keys, compare_);
        // RocksDB runs the destructor of an arena's iterator and leaves the memory to the arena, whose type is not public.
        // So the memtable keeps the memory, and uses it again once the iterator has gone.
        for (auto &place : places_) {
            if (place->is_free.load(std::memory_order_acquire)) return place->make(keys, compare_);
        }
        places_.push_back(std::make_unique<Place>());
        return places_.back()->make(keys, compare_);
    }

   private:
    struct Place {
        std::atomic<bool> is_free{true};
        alignas(SortedIterator) char memory[sizeof(SortedIterator)];

        MemTableRep::Iterator *make(const std::shared_ptr<const SortedKeys> &keys,
                                    const MemTableRep::KeyComparator &compare) {
            is_free = false;
            return new (memory) SortedIterator(keys, compare, &is_free);
        }
    };

    std::shared_ptr<const SortedKeys> sort() {
        Keys fresh;
        std::shared_ptr<const SortedKeys> old;
        {
            std::lock_guard<std::mutex> lock(mutex_);
            fresh.swap(fresh_);
            old = sorted_;
        }
        if (fresh.empty()) return old;
        auto less = [this](const SortedKey &a, const SortedKey &b) {
            if (a.high != b.high) return a.high < b.high;
            if (a.low != b.low) return a.low < b.low;
            return compare_(a.key, b.key) < 0;
        };
        SortedKeys tail;
        tail.reserve(fresh.size());
        for (const char *key : fresh) tail.emplace_back(compare_, key);
        std::sort(tail.begin(), tail.end(), less);
        auto merged = std::make_shared<SortedKeys>();
        if (old->empty()) {
            merged->swap(tail);
        } else {
            merged->reserve(old->size() + tail.size());
            std::merge(old->begin(), old->end(), tail.begin(), tail.end(), std::back_inserter(*merged), less);
        }
        std::lock_guard<std::mutex> lock(mutex_);
        sorted_ = merged;
        return merged;
    }

    const MemTableRep::KeyComparator &compare_;
    // Held while it sorts; taken before the other.
    std::mutex walkers_;
    std::vector<std::unique_ptr<Place>> places_;
    // Guards what stands below: there is one writer, but the table may be walked while it writes.
    std::mutex mutex_;
    Keys fresh_;
    std::atomic<size_t> count_{0};
    std::shared_ptr<const SortedKeys> sorted_ = std::make_shared<SortedKeys>();
};

// A memtable that is read through RocksDB's hash table of lists, and walked, when it is flushed, through a list of all keys
// that is sorted then. The hash table alone has no order over all its keys: for each flush it puts them one by one into a
// skip list, which costs more than all inserts did before.
class HashedMemTable : public MemTableRep {
   public:
    HashedMemTable(Allocator *allocator, const KeyComparator &compare, MemTableRep *hashed)
        : MemTableRep(allocator), keys_(compare), hashed_(hashed) {}

    // The hash table's handle is not the key, but what it links into its list, with the key inside.
    KeyHandle Allocate(const size_t size, char **key) override {
        KeyHandle handle = hashed_->Allocate(size, key);
        key_offset_ = *key - static_cast<char *>(handle);
        return handle;
    }
    void Insert(KeyHandle handle) override {
        hashed_->Insert(handle);
        keys_.insert(static_cast<char *>(handle) + key_offset_);
    }
    bool Contains(const char *key) const override { return hashed_->Contains(key); }
    void MarkReadOnly() override { hashed_->MarkReadOnly(); }
    void Get(const LookupKey &key, void *context, bool (*found)(void *, const char *)) override {
        hashed_->Get(key, context, found);
    }
    size_t ApproximateMemoryUsage() override { return hashed_->ApproximateMemoryUsage() + keys_.bytes(); }
    Iterator *GetIterator(Arena *arena) override { return keys_.iterator(arena); }
    Iterator *GetDynamicPrefixIterator(Arena *arena) override { return hashed_->GetDynamicPrefixIterator(arena); }

   private:
    KeyList keys_;
    std::unique_ptr<MemTableRep> hashed_;
    size_t key_offset_ = 0;
};

// A memtable that is written much and read seldom: nothing but the list of all keys.
class AppendedMemTable : public MemTableRep {
   public:
    AppendedMemTable(Allocator *allocator, const KeyComparator &compare)
        : MemTableRep(allocator), compare_(compare), keys_(compare) {}

    void Insert(KeyHandle handle) override { keys_.insert(static_cast<char *>(handle)); }
    bool Contains(const char *key) const override {
        std::unique_ptr<Iterator> walk(keys_.iterator(nullptr));
        walk->Seek(compare_.decode_key(key), key);
        return walk->Valid() && compare_(walk->key(), key) == 0;
    }
    size_t ApproximateMemoryUsage() override { return keys_.bytes(); }
    Iterator *GetIterator(Arena *arena) override { return keys_.iterator(arena); }

   private:
    const KeyComparator &compare_;
    mutable KeyList keys_;
};

class HashedMemTableFactory : public MemTableRepFactory {
   public:
    // A list that grows long becomes a skip list. Nothing is logged.
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

class AppendedMemTableFactory : public MemTableRepFactory {
   public:
    const char *Name() const override { return "SpillwayAppendedMemTable"; }
    using MemTableRepFactory::CreateMemTableRep;
    MemTableRep *CreateMemTableRep(const MemTableRep::KeyComparator &compare, Allocator *allocator,
                                   const SliceTransform *, Logger *) override {
        return new AppendedMemTable(allocator, compare);
    }
};

}  // namespace

MemTableRepFactory *spillway_hashed_memtable(size_t buckets) { return new HashedMemTableFactory(buckets); }
MemTableRepFactory *spillway_appended_memtable() { return new AppendedMemTableFactory(); }
