// swift-tools-version: 6.2
import PackageDescription

// A package of its own: what it builds has no `main`, libFuzzer brings it. See `run`.
let package = Package(
    name: "fuzz",
    dependencies: [.package(name: "spillway", path: "../..")],
    targets: [
        .executableTarget(
            name: "fuzz-http", dependencies: [.product(name: "SpillwayHTTP", package: "spillway")],
            swiftSettings: [.unsafeFlags(["-parse-as-library"])])
    ],
    swiftLanguageModes: [.v6]
)
