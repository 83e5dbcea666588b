// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "getting-started",
    dependencies: [.package(name: "spillway", path: "../..")],
    targets: [
        .executableTarget(
            name: "GettingStarted",
            dependencies: ["Spillway", "SpillwayCore", "SpillwayRocksDB"].map {
                .product(name: $0, package: "spillway")
            })
    ])
