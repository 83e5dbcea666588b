#include "internal.h"

using namespace ROCKSDB_NAMESPACE;

namespace {

// Has a failed sync reported where it fails, by the thread that met it. RocksDB itself meets those of the log in flushes
// too, where it tries again, though what the kernel has dropped no second sync brings back; and its next sync of the whole
// log ends the process by an assertion that another has failed before it (7.8).
class SyncWatch {
   public:
    explicit SyncWatch(spillway_sync_failed failed) : failed_(std::move(failed)) {}

    // A full disk is no loss but of the log: other files are written anew when there is room.
    IOStatus report(IOStatus status, bool is_log) const {
        if (!status.ok() && (is_log || !status.IsNoSpace())) failed_(status);
        return status;
    }

   private:
    const spillway_sync_failed failed_;
};

class WatchedFile : public FSWritableFileOwnerWrapper {
   public:
    WatchedFile(std::unique_ptr<FSWritableFile> &&file, std::shared_ptr<SyncWatch> watch, bool is_log)
        : FSWritableFileOwnerWrapper(std::move(file)), watch_(std::move(watch)), is_log_(is_log) {}

    IOStatus Sync(const IOOptions &options, IODebugContext *debug) override {
        return watch_->report(FSWritableFileOwnerWrapper::Sync(options, debug), is_log_);
    }
    IOStatus Fsync(const IOOptions &options, IODebugContext *debug) override {
        return watch_->report(FSWritableFileOwnerWrapper::Fsync(options, debug), is_log_);
    }

   private:
    const std::shared_ptr<SyncWatch> watch_;
    const bool is_log_;
};

class WatchedDirectory : public FSDirectoryWrapper {
   public:
    WatchedDirectory(std::unique_ptr<FSDirectory> &&directory, std::shared_ptr<SyncWatch> watch)
        : FSDirectoryWrapper(std::move(directory)), watch_(std::move(watch)) {}

    IOStatus Fsync(const IOOptions &options, IODebugContext *debug) override {
        return watch_->report(FSDirectoryWrapper::Fsync(options, debug), false);
    }
    IOStatus FsyncWithDirOptions(const IOOptions &options, IODebugContext *debug, const DirFsyncOptions &what) override {
        return watch_->report(FSDirectoryWrapper::FsyncWithDirOptions(options, debug, what), false);
    }

   private:
    const std::shared_ptr<SyncWatch> watch_;
};

class WatchedFileSystem : public FileSystemWrapper {
   public:
    WatchedFileSystem(const std::shared_ptr<FileSystem> &base, spillway_sync_failed failed)
        : FileSystemWrapper(base), watch_(std::make_shared<SyncWatch>(std::move(failed))) {}

    const char *Name() const override { return "SpillwayWatchedFileSystem"; }
    IOStatus NewWritableFile(const std::string &path, const FileOptions &options,
                             std::unique_ptr<FSWritableFile> *result, IODebugContext *debug) override {
        IOStatus status = FileSystemWrapper::NewWritableFile(path, options, result, debug);
        if (status.ok()) {
            *result = std::make_unique<WatchedFile>(std::move(*result), watch_, spillway_is_log(path));
        }
        return status;
    }
    IOStatus NewDirectory(const std::string &path, const IOOptions &options, std::unique_ptr<FSDirectory> *result,
                          IODebugContext *debug) override {
        IOStatus status = FileSystemWrapper::NewDirectory(path, options, result, debug);
        if (status.ok()) *result = std::make_unique<WatchedDirectory>(std::move(*result), watch_);
        return status;
    }

   private:
    const std::shared_ptr<SyncWatch> watch_;
};

}  // namespace

std::shared_ptr<FileSystem> spillway_watched_file_system(
    const std::shared_ptr<FileSystem> &base, spillway_sync_failed failed) {
    return std::make_shared<WatchedFileSystem>(base, std::move(failed));
}
