// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "getting-started",
    dependencies: [.package(name: "spillway", path: "../..")],
    targets: [
        .executableTarget(
            name: "GettingStarted",
            dependencies: [
                .product(name: "Spillway", package: "spillway"), .product(name: "SpillwayCore", package: "spillway"),
                .product(name: "SpillwayRocksDB", package: "spillway"),
            ])
    ])
