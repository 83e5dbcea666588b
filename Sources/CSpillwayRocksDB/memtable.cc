#include "internal.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <iterator>
#include <mutex>
#include <vector>

using namespace ROCKSDB_NAMESPACE;

namespace {

using Keys = std::vector<const char *>;

// Which bytes tell the keys of a memtable with the same first byte apart: names of a group and a topic, say, do not, nor do
// the leading zeros of numbers. Two keys differ first at one of these, so these alone compare like the keys do, but for
// what is left out: all that is behind the last of them, and the ends of keys.
class TellingBytes {
   public:
    static constexpr size_t kMost = 15;

    // Returns whether there are other ones now.
    bool add(const Slice &user) {
        if (first_.empty()) {
            first_ = user;
            return false;
        }
        bool has_changed = false;
        size_t common = std::min({first_.size(), user.size(), size_t(last())});
        for (size_t start = 0; start < common; start += 8) {
            uint64_t differences = word(first_, start, common) ^ word(user, start, common);
            while (differences != 0) {
                // Bytes in memory go from the least of a word to the greatest.
                int byte = __builtin_ctzll(differences) / 8;
                differences &= ~(uint64_t(0xff) << byte * 8);
                has_changed |= insert(start + byte);
            }
        }
        return has_changed;
    }
    void copy(const Slice &user, unsigned char *to) const {
        for (size_t i = 0; i < count_; i++) to[i] = offsets_[i] < user.size() ? user[offsets_[i]] : 0;
    }

   private:
    // The first key, which lives as long as its memtable. There is none before it: a key is never empty here.
    Slice first_;
    uint8_t offsets_[kMost];
    size_t count_ = 0;

    // No byte from here on is of use.
    size_t last() const { return count_ == kMost ? offsets_[kMost - 1] : 256; }
    static uint64_t word(const Slice &user, size_t start, size_t end) {
        uint64_t word = 0;
        memcpy(&word, user.data() + start, std::min(end - start, sizeof word));
        return word;
    }
    bool insert(size_t offset) {
        uint8_t *end = offsets_ + count_;
        uint8_t *place = std::lower_bound(offsets_, end, offset);
        if (place != end && *place == offset) return false;
        if (place == offsets_ + kMost) return false;
        if (count_ < kMost) count_++;
        std::copy_backward(place, offsets_ + count_ - 1, offsets_ + count_);
        *place = static_cast<uint8_t>(offset);
        return true;
    }
};

static Slice user_part(const MemTableRep::KeyComparator &compare, const char *key) {
    Slice internal = compare.decode_key(key);
    // Behind the user's part of a key stand eight bytes: sequence and kind.
    internal.remove_suffix(8);
    return internal;
}

// Those of all keys, by the first bytes of these.
class KeyBytes {
   public:
    bool add(const Slice &user) { return !user.empty() && bytes_[first_byte(user)].add(user); }
    void copy(const Slice &user, unsigned char *to) const {
        if (user.empty()) return;
        to[0] = first_byte(user);
        bytes_[to[0]].copy(user, to + 1);
    }

   private:
    std::array<TellingBytes, 256> bytes_;

    static unsigned char first_byte(const Slice &user) { return static_cast<unsigned char>(user[0]); }
};

// A key with the bytes beside it that tell it from others, as numbers that compare like the keys do where they differ.
// Sorting by these alone hardly ever has to look at a key, and a key is a miss of the processor's cache.
struct SortedKey {
    uint64_t high, low;
    const char *key;

    SortedKey(const KeyBytes &bytes, const MemTableRep::KeyComparator &compare, const char *key) : key(key) {
        unsigned char head[1 + TellingBytes::kMost] = {};
        bytes.copy(user_part(compare, key), head);
        memcpy(&high, head, 8);
        memcpy(&low, head + 8, 8);
        high = __builtin_bswap64(high);
        low = __builtin_bswap64(low);
    }
};

using SortedKeys = std::vector<SortedKey>;

// No two keys are the same: each has a sequence number of its own.
static bool precedes(const SortedKey &a, const SortedKey &b, const MemTableRep::KeyComparator &compare) {
    if (a.high != b.high) return a.high < b.high;
    if (a.low != b.low) return a.low < b.low;
    return compare(a.key, b.key) < 0;
}

// Keys in two sorted parts, one behind the other in time: what has come lately stays by itself for a while, so that a walk
// behind each write does not copy all keys each time.
struct SortedParts {
    std::shared_ptr<const SortedKeys> most = std::make_shared<SortedKeys>();
    std::shared_ptr<const SortedKeys> recent = std::make_shared<SortedKeys>();

    size_t size() const { return most->size() + recent->size(); }
};

// Tells when an object that derives from it first has gone altogether: the destructor of a first base runs last.
struct TellsWhenGone {
    std::atomic<bool> *is_gone;
    ~TellsWhenGone() {
        if (is_gone) is_gone->store(true, std::memory_order_release);
    }
};

// Walks over both parts at once: it stands on the lesser of the keys at its two places, and before each place stand only
// lesser keys.
class SortedIterator final : TellsWhenGone, public MemTableRep::Iterator {
   public:
    SortedIterator(SortedParts keys, const MemTableRep::KeyComparator &compare,
                   std::atomic<bool> *is_gone = nullptr)
        : TellsWhenGone{is_gone}, keys_(std::move(keys)), compare_(compare) {
        go_to_end();
    }

    bool Valid() const override { return most_ < keys_.most->size() || recent_ < keys_.recent->size(); }
    const char *key() const override { return is_recent_ ? recent_key(recent_).key : most_key(most_).key; }
    void Next() override {
        if (is_recent_) {
            recent_++;
        } else {
            most_++;
            if (most_ + kAhead < keys_.most->size()) __builtin_prefetch(most_key(most_ + kAhead).key);
        }
        choose();
    }
    // In front of the first stands the end, where no place is valid either.
    void Prev() override {
        if (most_ == 0 && recent_ == 0) return go_to_end();
        // The greatest of those before.
        if (most_ == 0 || (recent_ > 0 && precedes(most_key(most_ - 1), recent_key(recent_ - 1), compare_))) {
            recent_--;
            is_recent_ = true;
        } else {
            most_--;
            is_recent_ = false;
        }
    }
    void Seek(const Slice &internal, const char *) override {
        go_behind([&](const SortedKey &k) { return compare_(k.key, internal) < 0; });
        choose();
    }
    void SeekForPrev(const Slice &internal, const char *) override {
        go_behind([&](const SortedKey &k) { return compare_(k.key, internal) <= 0; });
        Prev();
    }
    void SeekToFirst() override {
        most_ = recent_ = 0;
        choose();
    }
    void SeekToLast() override {
        go_to_end();
        Prev();
    }

   private:
    static constexpr size_t kAhead = 8;
    SortedParts keys_;
    const MemTableRep::KeyComparator &compare_;
    size_t most_ = 0, recent_ = 0;
    bool is_recent_ = false;

    const SortedKey &most_key(size_t place) const { return (*keys_.most)[place]; }
    const SortedKey &recent_key(size_t place) const { return (*keys_.recent)[place]; }

    void go_to_end() {
        most_ = keys_.most->size();
        recent_ = keys_.recent->size();
    }
    // Behind all keys of which that is true.
    template <typename Before>
    void go_behind(Before before) {
        most_ = std::partition_point(keys_.most->begin(), keys_.most->end(), before) - keys_.most->begin();
        recent_ = std::partition_point(keys_.recent->begin(), keys_.recent->end(), before) - keys_.recent->begin();
    }
    void choose() {
        is_recent_ = recent_ < keys_.recent->size() &&
                     (most_ == keys_.most->size() || precedes(recent_key(recent_), most_key(most_), compare_));
    }
};

// All keys of a memtable, in the order in which they came until somebody walks over them. Whoever does sorts what has come
// since the last walk and merges it with what was sorted lately, outside of the lock that inserts take.
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
    SortedParts sorted() {
        std::lock_guard<std::mutex> lock(walkers_);
        return sort();
    }
    MemTableRep::Iterator *iterator(Arena *arena) {
        std::lock_guard<std::mutex> lock(walkers_);
        SortedParts keys = sort();
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

        MemTableRep::Iterator *make(const SortedParts &keys,
                                    const MemTableRep::KeyComparator &compare) {
            is_free = false;
            return new (memory) SortedIterator(keys, compare, &is_free);
        }
    };

    // Recent keys join the others when they are more than one in so many of them.
    static constexpr size_t kRecentShare = 8;

    SortedParts sort() {
        Keys fresh;
        SortedParts parts;
        {
            std::lock_guard<std::mutex> lock(mutex_);
            fresh.swap(fresh_);
            parts = sorted_;
        }
        if (fresh.empty()) return parts;
        bool has_changed = false;
        for (const char *key : fresh) has_changed |= bytes_.add(user_part(compare_, key));
        if (has_changed) {
            parts.most = with_new_words(*parts.most);
            parts.recent = with_new_words(*parts.recent);
        }
        SortedKeys tail;
        tail.reserve(fresh.size());
        for (const char *key : fresh) tail.emplace_back(bytes_, compare_, key);
        std::sort(tail.begin(), tail.end(),
                  [this](const SortedKey &a, const SortedKey &b) { return precedes(a, b, compare_); });
        parts.recent = merged(*parts.recent, std::make_shared<SortedKeys>(std::move(tail)));
        if (parts.recent->size() * kRecentShare > parts.most->size()) {
            parts.most = merged(*parts.most, parts.recent);
            parts.recent = std::make_shared<SortedKeys>();
        }
        std::lock_guard<std::mutex> lock(mutex_);
        sorted_ = parts;
        return parts;
    }

    // The same keys in the same order. Walks that are under way keep the old ones.
    std::shared_ptr<const SortedKeys> with_new_words(const SortedKeys &old) const {
        auto result = std::make_shared<SortedKeys>();
        result->reserve(old.size());
        for (const SortedKey &sorted : old) result->emplace_back(bytes_, compare_, sorted.key);
        return result;
    }

    std::shared_ptr<const SortedKeys> merged(const SortedKeys &old, const std::shared_ptr<const SortedKeys> &fresh) const {
        if (old.empty()) return fresh;
        auto result = std::make_shared<SortedKeys>();
        result->reserve(old.size() + fresh->size());
        std::merge(old.begin(), old.end(), fresh->begin(), fresh->end(), std::back_inserter(*result),
                   [this](const SortedKey &a, const SortedKey &b) { return precedes(a, b, compare_); });
        return result;
    }

    const MemTableRep::KeyComparator &compare_;
    // Held while it sorts; taken before the other. Guards the bytes, too.
    std::mutex walkers_;
    KeyBytes bytes_;
    std::vector<std::unique_ptr<Place>> places_;
    // Guards what stands below: there is one writer, but the table may be walked while it writes.
    std::mutex mutex_;
    Keys fresh_;
    std::atomic<size_t> count_{0};
    SortedParts sorted_;
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

// Looks one key up, in a walk that it owns. The type of such a key is not public, so what every memtable inherits has to
// read it, and that leaks the iterator that it has had made (7.8; later ones may not).
class PointRead final : public MemTableRep {
   public:
    PointRead(SortedParts keys, const KeyComparator &compare)
        : MemTableRep(nullptr), walk_(new SortedIterator(std::move(keys), compare, &is_gone_)) {}
    ~PointRead() override {
        if (!is_gone_.load(std::memory_order_acquire)) delete walk_;
    }

    Iterator *GetDynamicPrefixIterator(Arena *) override { return walk_; }
    Iterator *GetIterator(Arena *) override { return walk_; }
    void Insert(KeyHandle) override {}
    bool Contains(const char *) const override { return false; }
    size_t ApproximateMemoryUsage() override { return 0; }

   private:
    std::atomic<bool> is_gone_{false};
    SortedIterator *const walk_;
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
    void Get(const LookupKey &key, void *context, bool (*found)(void *, const char *)) override {
        PointRead(keys_.sorted(), compare_).Get(key, context, found);
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
