import FoundationEssentials
import Glibc
import Testing

@testable import SpillwayHTTP

@Suite struct SigningKeyTests {
    /// A directory of the test's own, gone when the test is over.
    fileprivate final class Directory {
        let path: String

        init() throws {
            path = "/tmp/security-test-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func write(_ bytes: [UInt8], mode: mode_t) throws -> String {
            let file = path + "/key"
            try Data(bytes).write(to: URL(filePath: file))
            #expect(chmod(file, mode) == 0)
            return file
        }

        var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] }
    }

    @Test func theKeyIsMadeOnceForItsOwnerOnly() throws {
        let directory = try Directory()
        let file = directory.path + "/key"
        let first = try SigningKey.loadOrCreate(path: file)
        let second = try SigningKey.loadOrCreate(path: file)
        #expect(first.bytes == second.bytes && first.bytes.count == 32)
        var status = stat()
        #expect(stat(file, &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(directory.names == ["key"])
    }

    @Test func processesThatMakeItAtOnceGetTheSame() async throws {
        let directory = try Directory()
        let file = directory.path + "/key"
        let keys = try await withThrowingTaskGroup(of: [UInt8].self) { group in
            for _ in 0..<16 {
                group.addTask { try SigningKey.loadOrCreate(path: file).bytes }
            }
            return try await group.reduce(into: Set<[UInt8]>()) { $0.insert($1) }
        }
        #expect(keys.count == 1)
        // Whoever comes too late replaces nothing.
        try SigningKey.create(path: file)
        #expect(try SigningKey(contentsOfFile: file).bytes == keys.first)
        #expect(directory.names == ["key"])
    }

    @Test(arguments: [0o640, 0o604, 0o620, 0o666, 0o601] as [mode_t])
    func aKeyThatIsOpenToOthersIsRefused(mode: mode_t) throws {
        let file = try Directory().keep { try $0.write(Array(repeating: 1, count: 32), mode: mode) }
        let error = try #require(throws: TokenKeyError.self) { try SigningKey.loadOrCreate(path: file.1) }
        #expect(error.code == .permissions && error.message.contains("chmod 600"))
    }

    @Test(arguments: [0, 31, 1025])
    func aKeyOfAnotherLengthIsRefused(count: Int) throws {
        let file = try Directory().keep { try $0.write(Array(repeating: 1, count: count), mode: 0o600) }
        let error = try #require(throws: TokenKeyError.self) { try SigningKey.loadOrCreate(path: file.1) }
        #expect(error.code == .size && error.message.contains(file.1))
    }

    @Test func whatIsNoFileIsRefused() throws {
        let directory = try Directory()
        #expect(throws: TokenKeyError.self) { try SigningKey(contentsOfFile: directory.path) }
        #expect(throws: TokenKeyError.self) { try SigningKey(contentsOfFile: directory.path + "/none") }
        #expect(throws: TokenKeyError.self) { try SigningKey.loadOrCreate(path: directory.path + "/none/key") }
        #expect(mkfifo(directory.path + "/key", 0o600) == 0)
        #expect(throws: TokenKeyError.self) { try SigningKey.loadOrCreate(path: directory.path + "/key") }
    }

    @Test func aKeyDoesNotPrintItself() throws {
        let key = try SigningKey(bytes: Array(repeating: 0xAB, count: 32))
        var dumped = ""
        dump(key, to: &dumped)
        for text in ["\(key)", String(reflecting: key), dumped] {
            #expect(!text.contains("171") && text.contains("32 bytes"))
        }
    }
}

extension SigningKeyTests.Directory {
    /// The directory together with what the body made of it, so that it lives as long.
    fileprivate func keep<Value>(_ body: (SigningKeyTests.Directory) throws -> Value) rethrows -> (
        SigningKeyTests.Directory, Value
    ) {
        (self, try body(self))
    }
}
