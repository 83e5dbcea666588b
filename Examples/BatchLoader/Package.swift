// swift-tools-version: 6.2
import PackageDescription

func spillway(_ name: String) -> Target.Dependency { .product(name: name, package: "spillway") }

let package = Package(
    name: "batch-loader",
    dependencies: [.package(name: "spillway", path: "../..")],
    targets: [
        .systemLibrary(
            name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite"])]),
        .executableTarget(
            name: "BatchLoader",
            dependencies: [spillway("SpillwayCore"), spillway("Spillway"), spillway("SpillwayRocksDB"), "CSQLite"]),
    ])
