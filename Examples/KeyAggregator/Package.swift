// swift-tools-version: 6.2
import PackageDescription

func spillway(_ name: String) -> Target.Dependency { .product(name: name, package: "spillway") }

let package = Package(
    name: "key-aggregator",
    dependencies: [.package(name: "spillway", path: "../..")],
    targets: [
        .executableTarget(
            name: "KeyAggregator",
            dependencies: [spillway("SpillwayCore"), spillway("Spillway"), spillway("SpillwayRocksDB")])
    ])
