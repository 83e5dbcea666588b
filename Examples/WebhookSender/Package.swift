// swift-tools-version: 6.2
import PackageDescription

func spillway(_ name: String) -> Target.Dependency { .product(name: name, package: "spillway") }

let package = Package(
    name: "webhook-sender",
    dependencies: [.package(name: "spillway", path: "../..")],
    targets: [
        .executableTarget(
            name: "WebhookSender",
            dependencies: [
                spillway("SpillwayCore"), spillway("Spillway"), spillway("SpillwayRocksDB"), spillway("SpillwayCurl"),
            ]),
        // What the check sends to: a receiver that can be broken and mended.
        .executableTarget(name: "Receiver", dependencies: [spillway("SpillwayCore"), spillway("SpillwayHTTP")]),
    ])
