import FoundationEssentials
import Glibc
import Spillway
import SpillwayRocksDB
import Testing

/// What can't be opened is named, and stays as it is.
@Suite struct RefusalTests {
    let directory = TemporaryDirectory()

    func refusal(_ path: String, creates: Bool = true) -> DatabaseError.Code? {
        var configuration = Database.Configuration()
        configuration.createsDirectory = creates
        do {
            _ = try Database.open(path, configuration)
            return nil
        } catch let error as DatabaseError { return error.code } catch { return .failed }
    }

    /// Names, sizes and times of all files below a directory.
    func state(_ path: String) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: path).sorted().map { name in
            var status = stat()
            stat(path + "/" + name, &status)
            return "\(name) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) \(status.st_ino)"
        }
    }

    func write(_ text: String, _ name: String) throws {
        try Data(text.utf8).write(to: URL(filePath: directory(name)))
    }

    /// `spillway token` makes the key, and may be killed while it does.
    @Test func aKeyThatIsBeingMadeIsNothingStrange() throws {
        mkdir(directory("data"), 0o700)
        try write("x", "data/key.new.1234")
        #expect(refusal(directory("data")) == nil)
    }

    @Test func aSecondOpenerOfTheSameProcess() throws {
        let first = try Database.open(directory("data"))
        let before = try state(directory("data"))
        #expect(refusal(directory("data")) == .inUse)
        #expect(try state(directory("data")) == before)
        try first.close()
        #expect(refusal(directory("data")) == nil)
    }

    @Test func aSecondOpenerOfAnotherProcess() throws {
        try Database.open(directory("data")).close()
        let before = try state(directory("data"))
        // Holds the lock as another server would, until its input ends.
        let ready = directory("ready")
        var input: [Int32] = [0, 0]
        pipe(&input)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, input[0], 0)
        posix_spawn_file_actions_addclose(&actions, input[1])
        var child = pid_t()
        let words = ["flock", directory("data/LOCK"), "sh", "-c", "touch \(ready); read x"]
        var arguments = words.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        #expect(posix_spawnp(&child, "flock", &actions, nil, &arguments, environ) == 0)
        let deadline = ContinuousClock.now + .seconds(20)
        while access(ready, F_OK) != 0, ContinuousClock.now < deadline { usleep(5_000) }
        #expect(refusal(directory("data")) == .inUse)
        #expect(try state(directory("data")) == before)
        close(input[1])
        close(input[0])
        var status: Int32 = 0
        waitpid(child, &status, 0)
        #expect(refusal(directory("data")) == nil)
    }

    @Test func aNewerFormat() throws {
        try Database.open(directory("data")).close()
        try write("spillway 3\n", "data/FORMAT")
        let before = try state(directory("data"))
        #expect(refusal(directory("data")) == .newerFormat)
        #expect(try state(directory("data")) == before)
    }

    @Test func aDirectoryOfSomethingElse() throws {
        mkdir(directory("data"), 0o700)
        try write("hello", "data/notes.txt")
        let before = try state(directory("data"))
        #expect(refusal(directory("data")) == .foreignDirectory)
        #expect(try state(directory("data")) == before)
        try write("something", "data/FORMAT")
        #expect(refusal(directory("data")) == .foreignDirectory)
        #expect(refusal(directory("data/notes.txt")) == .foreignDirectory)
    }

    @Test func aDirectoryWithTheKeyOnlyBecomesOurs() throws {
        mkdir(directory("data"), 0o700)
        try write("secret", "data/key")
        #expect(refusal(directory("data")) == nil)
        #expect(try Data(contentsOf: URL(filePath: directory("data/key"))) == Data("secret".utf8))
    }

    @Test func aDirectoryIntoWhichNothingWasRestoredYetBecomesOurs() throws {
        mkdir(directory("data"), 0o700)
        try write("", "data/LOCK")
        try write("res", "data/UNFINISHED.new")
        #expect(refusal(directory("data")) == nil)
    }

    /// Writes something, so that there is a table or a log file, and closes.
    private func makeUsed() throws {
        let database = try Database.open(directory("data"))
        try KeyValueStore(database).put("name", [1])
        try database.close()
    }

    /// RocksDB would begin an empty database and delete the tables, though not before its second start.
    @Test(arguments: [true, false])
    func aDatabaseThatHasLostItsCurrent(wasClosed: Bool) throws {
        try makeUsed()
        #expect(unlink(directory("data/db/CURRENT")) == 0)
        if !wasClosed { #expect(unlink(directory("data/clean")) == 0) }
        let before = try state(directory("data"))
        for _ in 0..<2 {
            #expect(refusal(directory("data")) == .corruption)
            #expect(try state(directory("data")) == before)
        }
    }

    /// A volume that was not mounted, perhaps behind a crash.
    @Test(arguments: [["clean"], ["made"], []])
    func aDatabaseThatIsGone(lacking marks: [String]) throws {
        try makeUsed()
        try FileManager.default.removeItem(atPath: directory("data/db"))
        for mark in marks { #expect(unlink(directory("data/" + mark)) == 0) }
        let before = try state(directory("data"))
        #expect(refusal(directory("data")) == .corruption)
        #expect(try state(directory("data")) == before)
        mkdir(directory("data/db"), 0o700)
        #expect(refusal(directory("data")) == .corruption)
    }

    /// One that was made before there was the mark.
    @Test func anOpeningSaysThatThereIsADatabase() throws {
        try makeUsed()
        #expect(unlink(directory("data/made")) == 0)
        let database = try Database.open(directory("data"))
        #expect(access(directory("data/made"), F_OK) == 0)
        try database.checkpoint(to: directory("copy"))
        try database.close()
        try Database.restore(from: directory("copy"), to: directory("restored"))
        #expect(access(directory("restored/made"), F_OK) == 0)
    }

    /// RocksDB would hold its own lock, and tell of errors to who has gone.
    @Test func anOpeningThatFailsBehindRocksDBsClosesIt() throws {
        try makeUsed()
        #expect(unlink(directory("data/clean")) == 0)
        // Can't be removed as a file is.
        mkdir(directory("data/clean"), 0o700)
        for _ in 0..<2 { #expect(refusal(directory("data")) == .ioError) }
        #expect(rmdir(directory("data/clean")) == 0)
        #expect(refusal(directory("data")) == nil)
    }

    /// What a first start leaves that was cut off before it had a database.
    @Test func aFirstStartThatWasCutOffIsBegunAgain() throws {
        mkdir(directory("data"), 0o700)
        mkdir(directory("data/db"), 0o700)
        try write("spillway 1\n", "data/FORMAT")
        try write("", "data/LOCK")
        for name in ["MANIFEST-000001", "IDENTITY", "LOCK", "LOG", "000001.dbtmp"] { try write("", "data/db/" + name) }
        #expect(refusal(directory("data")) == nil)
    }

    @Test func nothingIsMadeWhenNotAskedFor() {
        #expect(refusal(directory("data"), creates: false) == .notFound)
        #expect(access(directory("data"), F_OK) != 0)
    }

    @Test(.enabled(if: getuid() == 0, "mounting needs root"))
    func aFileSystemThatCanNotBeWritten() throws {
        let mounted = directory("mounted")
        mkdir(mounted, 0o700)
        guard mount("none", mounted, "tmpfs", 0, "size=64m") == 0 else { return }
        defer { umount2(mounted, Int32(MNT_DETACH)) }
        try Database.open(mounted + "/data").close()
        #expect(mount("none", mounted, "tmpfs", UInt(MS_REMOUNT | MS_RDONLY), nil) == 0)
        let before = try state(mounted)
        #expect(refusal(mounted + "/data") == .notWritable)
        #expect(refusal(mounted + "/other") == .notWritable)
        #expect(try state(mounted) == before)
    }
}
