#include "internal.h"

#include <rocksdb/file_system.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>

using namespace ROCKSDB_NAMESPACE;

namespace {

// Writes zeros in front of a growing write-ahead log, so that the log is written over them.
//
// A file that grows makes every fdatasync write the file's inode too, one more wait for the disk; a file that keeps its size
// does not. PostgreSQL fills its segments with zeros for the same reason (wal_init_zero). RocksDB's own way, using old files
// again, ends a log where the last use of the file goes on, which a damaged log can't be told from.
class Zeros {
   public:
    explicit Zeros(const std::string &path) : file_(open(path.c_str(), O_WRONLY | O_CLOEXEC)) {
        if (file_ >= 0) thread_ = std::thread([this] { run(); });
    }
    ~Zeros() {
        stop();
        if (file_ >= 0) close(file_);
    }

    // Room for so many bytes more, which nothing will overwrite. Waits if the zeros are just being written there.
    void reserve(uint64_t bytes) {
        std::unique_lock<std::mutex> lock(mutex_);
        size_ += bytes;
        changed_.wait(lock, [this] { return size_ <= zeroed_ || !is_writing_; });
        zeroed_ = std::max(zeroed_, size_);
        if (is_short()) changed_.notify_all();
    }

    // Whether a sync of the zeros has failed. It may have been told what the log's own sync would have been: pages of the
    // log are gone then, and the log's next sync says nothing of them.
    bool have_lost() const { return have_lost_; }

    // Ends the file where the log ends.
    bool finish() {
        stop();
        return file_ < 0 || ftruncate(file_, static_cast<off_t>(size_)) == 0;
    }

   private:
    static constexpr uint64_t kFirst = 64 << 10, kAhead = 4 << 20, kPiece = 512 << 10, kPage = 4 << 10;

    // A short log gets few zeros, so that most of its file is always log: for those who look at it, and for the disk.
    bool is_short() const { return size_ >= kFirst && zeroed_ - size_ < std::min(size_ / 8, kAhead / 2); }

    void run() {
        pthread_setname_np(pthread_self(), "log-zeros");
        std::unique_ptr<char[]> zeros(new char[kPiece]());
        std::unique_lock<std::mutex> lock(mutex_);
        while (true) {
            changed_.wait(lock, [this] { return is_stopped_ || is_short(); });
            uint64_t end = (size_ + std::min(size_ / 5 * 3, kAhead)) / kPage * kPage;
            while (!is_stopped_ && zeroed_ < end) {
                uint64_t from = zeroed_, bytes = std::min(kPiece - zeroed_ % kPiece, end - zeroed_);
                is_writing_ = true;
                lock.unlock();
                bool is_good = pwrite(file_, zeros.get(), bytes, static_cast<off_t>(from)) == static_cast<ssize_t>(bytes);
                if (is_good && fdatasync(file_) != 0) {
                    is_good = false;
                    if (errno != ENOSPC && errno != EDQUOT) have_lost_ = true;
                }
                lock.lock();
                is_writing_ = false;
                zeroed_ = std::max(zeroed_, from + bytes);
                // A full disk: the log grows as it would without.
                if (!is_good) is_stopped_ = true;
                changed_.notify_all();
            }
            if (is_stopped_) return;
        }
    }

    void stop() {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            is_stopped_ = true;
            changed_.notify_all();
        }
        if (thread_.joinable()) thread_.join();
    }

    const int file_;
    std::thread thread_;
    std::mutex mutex_;
    std::condition_variable changed_;
    // Where the log ends, and up to where there are zeros behind it or will be.
    uint64_t size_ = 0, zeroed_ = 0;
    bool is_writing_ = false, is_stopped_ = false;
    std::atomic<bool> have_lost_{false};
};

// How much of each log that is written has been written. RocksDB copies a log up to its size, so a size with zeros in it
// would have the copy begin at zeros and go on behind them with what was written over them meanwhile.
class WrittenSizes {
   public:
    using Size = std::shared_ptr<std::atomic<uint64_t>>;

    Size begin(const std::string &path) {
        std::lock_guard<std::mutex> lock(mutex_);
        return sizes_[path] = std::make_shared<std::atomic<uint64_t>>(0);
    }
    void end(const std::string &path, const Size &size) {
        std::lock_guard<std::mutex> lock(mutex_);
        auto found = sizes_.find(path);
        if (found != sizes_.end() && found->second == size) sizes_.erase(found);
    }
    // Null for what is not written now.
    Size of(const std::string &path) {
        std::lock_guard<std::mutex> lock(mutex_);
        auto found = sizes_.find(path);
        return found == sizes_.end() ? nullptr : found->second;
    }

   private:
    std::mutex mutex_;
    std::map<std::string, Size> sizes_;
};

class LogFile : public FSWritableFileOwnerWrapper {
   public:
    LogFile(std::unique_ptr<FSWritableFile> &&file, const std::string &path, std::shared_ptr<WrittenSizes> sizes)
        : FSWritableFileOwnerWrapper(std::move(file)), zeros_(path), path_(path), sizes_(std::move(sizes)),
          written_(sizes_->begin(path)) {}
    ~LogFile() override { sizes_->end(path_, written_); }

    IOStatus Append(const Slice &data, const IOOptions &options, IODebugContext *debug) override {
        zeros_.reserve(data.size());
        return wrote(data.size(), FSWritableFileOwnerWrapper::Append(data, options, debug));
    }
    IOStatus Append(const Slice &data, const IOOptions &options, const DataVerificationInfo &info,
                    IODebugContext *debug) override {
        zeros_.reserve(data.size());
        return wrote(data.size(), FSWritableFileOwnerWrapper::Append(data, options, info, debug));
    }
    IOStatus Sync(const IOOptions &options, IODebugContext *debug) override {
        return unless_lost(FSWritableFileOwnerWrapper::Sync(options, debug));
    }
    IOStatus Fsync(const IOOptions &options, IODebugContext *debug) override {
        return unless_lost(FSWritableFileOwnerWrapper::Fsync(options, debug));
    }
    IOStatus Close(const IOOptions &options, IODebugContext *debug) override {
        IOStatus status = FSWritableFileOwnerWrapper::Close(options, debug);
        if (!zeros_.finish() && status.ok()) return IOStatus::IOError("the log can't be cut to its length");
        sizes_->end(path_, written_);
        return status;
    }

   private:
    Zeros zeros_;
    const std::string path_;
    const std::shared_ptr<WrittenSizes> sizes_;
    const WrittenSizes::Size written_;

    IOStatus unless_lost(IOStatus status) {
        if (status.ok() && zeros_.have_lost()) return IOStatus::IOError("a sync of the zeros ahead of the log has failed");
        return status;
    }
    IOStatus wrote(uint64_t bytes, IOStatus status) {
        if (status.ok()) written_->fetch_add(bytes, std::memory_order_release);
        return status;
    }
};

class LogFileSystem : public FileSystemWrapper {
   public:
    using FileSystemWrapper::FileSystemWrapper;
    const char *Name() const override { return "SpillwayLogFileSystem"; }
    // Of a log that is written, without the zeros ahead of it.
    IOStatus GetFileSize(const std::string &path, const IOOptions &options, uint64_t *size,
                         IODebugContext *debug) override {
        WrittenSizes::Size written = sizes_->of(path);
        if (!written) return FileSystemWrapper::GetFileSize(path, options, size, debug);
        *size = written->load(std::memory_order_acquire);
        return IOStatus::OK();
    }
    IOStatus NewWritableFile(const std::string &path, const FileOptions &options,
                             std::unique_ptr<FSWritableFile> *result, IODebugContext *debug) override {
        IOStatus status = FileSystemWrapper::NewWritableFile(path, options, result, debug);
        if (status.ok() && spillway_is_log(path)) *result = std::make_unique<LogFile>(std::move(*result), path, sizes_);
        return status;
    }

   private:
    const std::shared_ptr<WrittenSizes> sizes_ = std::make_shared<WrittenSizes>();
};

}  // namespace

std::shared_ptr<FileSystem> spillway_log_file_system(const std::shared_ptr<FileSystem> &base) {
    return std::make_shared<LogFileSystem>(base);
}
