// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that what only the benchmarks need stays out of Sluice's package graph.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
]

let package = Package(
    name: "sluice-benchmarks",
    dependencies: [
        .package(name: "sluice", path: ".."),
        .package(url: "https://github.com/apple/swift-async-algorithms", exact: "1.1.4"),
    ],
    targets: [
        .executableTarget(
            name: "ChannelBenchmark",
            dependencies: [
                .product(name: "SluiceRuntime", package: "sluice"),
                .product(name: "AsyncAlgorithms", package: "swift-async-algorithms"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "ClientLoad",
            dependencies: [.product(name: "SluiceClient", package: "sluice")],
            swiftSettings: settings),
    ]
)
