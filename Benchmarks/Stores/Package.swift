// swift-tools-version: 6.2
import PackageDescription

/// As the platform itself is compiled; see the root package. Fixed flags, since this one is never a dependency.
let swift: [SwiftSetting] = [
    .unsafeFlags(["-cross-module-optimization", "-enforce-exclusivity=unchecked"], .when(configuration: .release)),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// What the embedded failure store costs, measured with the library's public interface only.
let package = Package(
    name: "store-benchmarks",
    dependencies: [.package(name: "spillway", path: "../..")],
    targets: [
        .executableTarget(
            name: "store-bench",
            dependencies: [
                .product(name: "Spillway", package: "spillway"),
                .product(name: "SpillwayRocksDB", package: "spillway"),
            ],
            swiftSettings: swift)
    ],
    swiftLanguageModes: [.v6]
)
