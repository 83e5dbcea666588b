// swift-tools-version: 6.2
import Foundation
import PackageDescription

/// The parser of HTTP/1.1: llhttp where the distribution has it, else http-parser. `CHTTPParser/shim.h` chooses alike.
let httpParser =
    ["/usr/include", "/usr/local/include", "/opt/homebrew/include"].contains {
        FileManager.default.fileExists(atPath: $0 + "/llhttp.h")
    } ? "llhttp" : "http_parser"

/// How a release of the service is compiled: optimised across modules, and exclusive access, which debug builds and with them
/// the tests check at run time, not checked. With syncs that gather they took a vote from 5.9 to 5.1 times the bare
/// server's processor time; what each brings was not measured. SwiftPM takes such
/// flags from a root package and from one beside it, not from a dependency that was fetched; there they are left out.
let released: [SwiftSetting] =
    Context.packageDirectory.contains("/checkouts/")
    ? []
    : [.unsafeFlags(["-cross-module-optimization", "-enforce-exclusivity=unchecked"], .when(configuration: .release))]

/// What every Swift target is compiled with: Swift 6, the upcoming features of the house style, warnings as errors.
let swift: [SwiftSetting] =
    released + [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .treatAllWarnings(as: .error),
    ]

/// Tests are not optimised in a release build, where they test what is: that takes minutes off its ten.
let tests: [SwiftSetting] =
    swift + (released.isEmpty ? [] : [.unsafeFlags(["-Onone"], .when(configuration: .release))])

/// Targets that touch a C library also have each unsafe expression marked.
let swiftOverC: [SwiftSetting] = swift + [.strictMemorySafety()]

let c: [CSetting] = [.treatAllWarnings(as: .error)]
let cxx: [CXXSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
    name: "spillway",
    products: [
        .executable(name: "spillway", targets: ["spillway"]),
        .library(name: "SpillwayCore", targets: ["SpillwayCore"]),
        .library(name: "Spillway", targets: ["Spillway"]),
        .library(name: "SpillwayCache", targets: ["SpillwayCache"]),
        .library(name: "SpillwayRocksDB", targets: ["SpillwayRocksDB"]),
        .library(name: "SpillwayHTTP", targets: ["SpillwayHTTP"]),
        .library(name: "SpillwayCurl", targets: ["SpillwayCurl"]),
        .library(name: "SpillwayOTLP", targets: ["SpillwayOTLP"]),
        .library(name: "SpillwayTesting", targets: ["SpillwayTesting"]),
    ],
    targets: [
        // C libraries as the distribution ships them, and small shims of ours where their interface lacks something.
        .systemLibrary(name: "CLibuv", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"]), .brew(["libuv"])]),
        .systemLibrary(name: "CHTTPParser", providers: [.apt(["libhttp-parser-dev"]), .brew(["llhttp"])]),
        .systemLibrary(
            name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]),
        .systemLibrary(name: "CRhonabwy", pkgConfig: "librhonabwy", providers: [.apt(["librhonabwy-dev"])]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"]), .brew(["libyaml"])]),
        .systemLibrary(
            name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"]), .brew(["curl"])]),
        .target(name: "CSpillwaySystem", cSettings: c),
        .target(
            name: "CSpillwayRocksDB", cxxSettings: cxx,
            linkerSettings: [.linkedLibrary("rocksdb")]),
        .target(
            name: "CReactionEvents", cSettings: c,
            linkerSettings: [.linkedLibrary("protobuf-c")]),

        // The platform.
        .target(name: "SpillwayCore", dependencies: ["CLibuv", "CSpillwaySystem"], swiftSettings: swiftOverC),
        .target(name: "Spillway", dependencies: ["SpillwayCore"], swiftSettings: swift),
        .target(name: "SpillwayCache", dependencies: ["SpillwayCore", "Spillway"], swiftSettings: swift),
        .target(
            name: "SpillwayRocksDB",
            dependencies: ["SpillwayCore", "Spillway", "CSpillwayRocksDB", "CSpillwaySystem"],
            swiftSettings: swiftOverC),
        .target(
            name: "SpillwayHTTP",
            dependencies: ["SpillwayCore", "CLibuv", "CHTTPParser", "COpenSSL", "CRhonabwy", "CSpillwaySystem"],
            swiftSettings: swiftOverC, linkerSettings: [.linkedLibrary(httpParser)]),
        .target(name: "SpillwayCurl", dependencies: ["SpillwayCore", "CCurl"], swiftSettings: swiftOverC),
        .target(name: "SpillwayOTLP", dependencies: ["SpillwayCore", "SpillwayCurl"], swiftSettings: swiftOverC),
        .target(
            name: "SpillwayTesting", dependencies: ["SpillwayCore", "Spillway", "SpillwayCache"],
            swiftSettings: swift),

        // The control plane.
        .target(
            name: "Console", dependencies: ["SpillwayCore", "Spillway", "SpillwayHTTP"], swiftSettings: swift),

        // The reactions service.
        .target(
            name: "Reactions", dependencies: ["SpillwayCore", "Spillway", "SpillwayCache", "CReactionEvents"],
            swiftSettings: swiftOverC),
        .target(
            name: "ReactionsRocksDB",
            dependencies: ["SpillwayCore", "Spillway", "SpillwayRocksDB", "Reactions"],
            swiftSettings: swiftOverC),
        .target(
            name: "ReactionsHTTP",
            dependencies: ["SpillwayCore", "Spillway", "SpillwayHTTP", "Reactions"], swiftSettings: swift),
        .executableTarget(
            name: "spillway",
            dependencies: [
                "SpillwayCore", "Spillway", "SpillwayCache", "SpillwayRocksDB", "SpillwayHTTP", "SpillwayCurl",
                "SpillwayOTLP", "Reactions", "ReactionsRocksDB", "ReactionsHTTP", "Console", "CYAML", "CSpillwaySystem",
            ],
            swiftSettings: swiftOverC,
            // Takes the place of the C library's malloc, in this program only: 7 % of a vote, a tenth of a summary.
            linkerSettings: [.linkedLibrary("mimalloc", .when(platforms: [.linux]))]),

        // Tests mirror the sources.
        .testTarget(
            name: "SpillwayCoreTests", dependencies: ["SpillwayCore", "SpillwayTesting", "CSpillwaySystem"],
            swiftSettings: tests),
        .testTarget(
            name: "SpillwayTests", dependencies: ["SpillwayCore", "Spillway", "SpillwayOTLP", "SpillwayTesting"],
            swiftSettings: tests),
        .testTarget(
            name: "SpillwayCacheTests", dependencies: ["SpillwayCore", "Spillway", "SpillwayCache", "SpillwayTesting"],
            swiftSettings: tests),
        .testTarget(
            name: "SpillwayRocksDBTests",
            dependencies: ["SpillwayCore", "Spillway", "SpillwayRocksDB", "SpillwayTesting"], swiftSettings: tests),
        .testTarget(
            name: "SpillwayHTTPTests", dependencies: ["SpillwayCore", "SpillwayHTTP", "SpillwayTesting", "COpenSSL"],
            swiftSettings: tests),
        .testTarget(
            name: "SpillwayCurlTests", dependencies: ["SpillwayCore", "SpillwayCurl", "SpillwayHTTP"],
            swiftSettings: tests),
        .testTarget(
            name: "SpillwayOTLPTests", dependencies: ["SpillwayCore", "SpillwayCurl", "SpillwayOTLP", "SpillwayHTTP"],
            swiftSettings: tests),
        .testTarget(
            name: "ReactionsTests",
            dependencies: [
                "SpillwayCore", "Spillway", "SpillwayCache", "SpillwayRocksDB", "SpillwayTesting", "Reactions",
                "ReactionsRocksDB",
            ], swiftSettings: tests),
        .testTarget(
            name: "ReactionsHTTPTests",
            dependencies: [
                "SpillwayCore", "Spillway", "SpillwayCache", "SpillwayRocksDB", "SpillwayHTTP", "SpillwayTesting",
                "Reactions", "ReactionsRocksDB", "ReactionsHTTP", "Console",
            ], swiftSettings: tests),
        .testTarget(
            name: "ConsoleTests",
            dependencies: ["SpillwayCore", "Spillway", "SpillwayHTTP", "SpillwayTesting", "Console"],
            swiftSettings: tests),
        .testTarget(
            name: "SpillwayCommandTests",
            dependencies: [
                "spillway", "SpillwayCore", "Spillway", "SpillwayRocksDB", "SpillwayHTTP", "SpillwayOTLP", "Reactions",
                "ReactionsRocksDB", "Console",
            ],
            swiftSettings: tests),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu11,
    cxxLanguageStandard: .cxx17
)
