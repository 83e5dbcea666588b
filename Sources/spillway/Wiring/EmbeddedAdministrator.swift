import Console
import Glibc
import Reactions
import ReactionsRocksDB
import Spillway
import SpillwayCore
import SpillwayHTTP
import SpillwayRocksDB

/// A stopped server's data directory, which answers as the server would, by the same routes.
///
/// It may be the directory of any program that uses the embedded broker and stores: of the reactions' families only those
/// are opened that are there.
final class EmbeddedAdministrator: Administrator {
    let place: String
    private let database: Database
    private let broker: EmbeddedBroker
    private let failures: RocksFailureStore
    private let settings: RocksSettingsStore
    private let router: HTTPRouter
    private let token: String

    /// Opens the directory, which has to be there. Blocks.
    ///
    /// - Throws: `DatabaseError`, with ``DatabaseError/Code/inUse`` while a server runs on it.
    init(_ configuration: StoreConfiguration) throws {
        place = configuration.dataDirectory
        var opening = EmbeddedNode.opening(configuration, create: false, log: nil)
        opening.familiesIfThere = opening.families
        opening.families = []
        database = try Database.open(place, opening)
        // What the server is to keep is not known here, so nothing is dropped.
        var log = EmbeddedBroker.Configuration()
        log.retentionAge = nil
        broker = try EmbeddedBroker(database, configuration: log)
        failures = try RocksFailureStore(database)
        settings = try RocksSettingsStore(database)
        // Who may open the directory may do everything: the key is this process's own.
        let key = try SigningKey.random()
        token = try TokenIssuer(key: key).token(
            subject: Self.user, scopes: ["admin"], issuedAtMs: SystemTimeSource().wallMilliseconds(),
            lifetime: .seconds(86_400))
        var router = HTTPRouter(logger: Logger(label: "administrator"))
        ConsoleRoutes(
            authentication: Authentication(TokenAuthenticator(verifier: TokenVerifier(keys: .secret(key)))),
            groups: broker, failures: failures, groupsWithoutSideQueue: [ReactionService.group],
            storedSettings: settings
        ).register(on: &router)
        self.router = router
    }

    func answer(_ method: HTTPMethod, _ path: String, body: [UInt8]?) throws -> (status: Int, body: [UInt8]) {
        let request = HTTPRequest(
            method: method, target: path,
            headers: [(.authorization, "Bearer \(token)"), (.contentType, "application/json")], body: body ?? [])
        let response = try Blocking.run { [router] in await router.respond(to: request) }
        guard case .bytes(let bytes) = response.body else { return (Int(response.status.rawValue), []) }
        return (Int(response.status.rawValue), bytes)
    }

    /// Writes what waits and closes the directory. Blocks.
    func close() throws {
        try Blocking.run { [broker] in await broker.close() }
        failures.close()
        settings.close()
        try database.close()
    }

    /// The user of the operating system, for the history of settings.
    private static var user: String {
        guard let entry = unsafe getpwuid(geteuid()), let name = unsafe entry.pointee.pw_name else {
            return "user \(geteuid())"
        }
        let text = unsafe String(cString: name)
        return Principal.isValidSubject(text) ? text : "user \(geteuid())"
    }
}
