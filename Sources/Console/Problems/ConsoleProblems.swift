internal import Spillway
internal import SpillwayHTTP

/// How errors of brokers and stores are told to operators.
enum ConsoleProblems {
    /// Runs what may throw such an error. What is nobody's fault outside is thrown on: the router logs it and answers 500.
    static func telling<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as BrokerError {
            throw problem(error) ?? error
        } catch let error as FailureStoreError {
            throw problem(error) ?? error
        } catch let error as SettingsError {
            throw problem(error) ?? error
        }
    }

    private static func problem(_ error: BrokerError) -> (any Error)? {
        switch error.code {
        case .unknownTopic: Problem(.notFound, detail: "there is no such topic")
        case .groupInUse: Problem(.conflict, type: "group-in-use", detail: error.message)
        case .unknownPartition: RequestError.field("positions", "names a partition that the topic lacks")
        case .storageFull:
            Problem.retry(.serviceUnavailable, after: .seconds(5), type: "storage-full", detail: error.message)
        case .closed: Problem.retry(.serviceUnavailable, after: .seconds(1), detail: error.message)
        default:
            error.isRetriable ? Problem.retry(.serviceUnavailable, after: .seconds(1), detail: error.message) : nil
        }
    }

    private static func problem(_ error: SettingsError) -> (any Error)? {
        switch error.code {
        case .invalid: RequestError.field("settings", error.message)
        case .conflict: Problem(.conflict, type: "settings-conflict", detail: error.message)
        default: nil
        }
    }

    private static func problem(_ error: FailureStoreError) -> (any Error)? {
        switch error.code {
        case .full:
            Problem.retry(.serviceUnavailable, after: .seconds(5), type: "failure-store-full", detail: error.message)
        case .invalidName: RequestError.field("group", "must be at most 255 bytes")
        default:
            error.isRetriable ? Problem.retry(.serviceUnavailable, after: .seconds(1), detail: error.message) : nil
        }
    }
}
