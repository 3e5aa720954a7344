// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
]

// A sanitizer has an allocator of its own, which must be the only one.
let isSanitized = Context.environment["SLUICE_SANITIZE"] != nil

let package = Package(
    name: "sluice",
    products: [
        .library(name: "SluiceRuntime", targets: ["SluiceRuntime"]),
        .library(name: "SluiceHub", targets: ["SluiceHub"]),
        .library(name: "SluiceClient", targets: ["SluiceClient"]),
        .executable(name: "sluiced", targets: ["sluiced"]),
        .executable(name: "sluice", targets: ["sluice"]),
        .executable(name: "sluice-load", targets: ["sluice-load"]),
    ],
    // With `traits: []`, a package that depends on one of the libraries fetches nothing that only the programs need.
    traits: [
        .trait(name: "Executables", description: "The programs, and the packages that only the programs need."),
        .trait(name: "Metrics", description: "HubMetrics of SluiceHub, which reports to swift-metrics."),
        .default(enabledTraits: ["Executables"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.7.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        .target(
            name: "CJemalloc", cSettings: isSanitized ? [.define("CJEMALLOC_IS_ABSENT")] : [],
            linkerSettings: isSanitized ? [] : [.linkedLibrary("jemalloc")]),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CMalloc"),
        .systemLibrary(name: "CLibev", providers: [.apt(["libev-dev"])]),
        .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CHTTPParser", providers: [.apt(["libhttp-parser-dev"])]),
        .systemLibrary(name: "CWslay", providers: [.apt(["libwslay-dev"])]),
        .target(
            name: "SluiceRuntime",
            dependencies: ["CLibev", "COpenSSL", .product(name: "DequeModule", package: "swift-collections")],
            swiftSettings: settings),
        .target(name: "SluiceWire", swiftSettings: settings),
        .plugin(name: "CommitPlugin", capability: .buildTool()),
        .plugin(name: "DashboardPlugin", capability: .buildTool()),
        .target(
            name: "BuildVersion", dependencies: ["SluiceWire"], swiftSettings: settings, plugins: ["CommitPlugin"]),
        .target(
            name: "ProgramOptions",
            dependencies: [
                "SluiceRuntime",
                .product(
                    name: "ArgumentParser", package: "swift-argument-parser",
                    condition: .when(traits: ["Executables"])),
            ],
            swiftSettings: settings),
        .target(
            name: "SluiceHub",
            dependencies: [
                "CMalloc", "SluiceRuntime", "SluiceWire", .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "CoreMetrics", package: "swift-metrics", condition: .when(traits: ["Metrics"])),
            ],
            swiftSettings: settings),
        .target(
            name: "SluiceWeb",
            dependencies: ["CHTTPParser", "COpenSSL", "CWslay", "SluiceHub", "SluiceRuntime", "SluiceWire"],
            exclude: ["Dashboard"],
            swiftSettings: settings,
            plugins: ["DashboardPlugin"]),
        .target(
            name: "SluiceClient",
            dependencies: [
                "SluiceRuntime", "SluiceWire", .product(name: "DequeModule", package: "swift-collections"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "sluiced",
            dependencies: [
                "BuildVersion", "CJemalloc", "CLinux", "SluiceHub", "SluiceRuntime", "SluiceWeb", "SluiceWire",
                .product(
                    name: "ArgumentParser", package: "swift-argument-parser",
                    condition: .when(traits: ["Executables"])),
                .product(name: "Logging", package: "swift-log", condition: .when(traits: ["Executables"])),
                .product(name: "Yams", package: "Yams", condition: .when(traits: ["Executables"])),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "sluice",
            dependencies: [
                "BuildVersion", "ProgramOptions", "SluiceClient", "SluiceRuntime", "SluiceWire",
                .product(
                    name: "ArgumentParser", package: "swift-argument-parser",
                    condition: .when(traits: ["Executables"])),
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "sluice-load",
            dependencies: [
                "BuildVersion", "CLibev", "ProgramOptions", "SluiceRuntime", "SluiceWire",
                .product(
                    name: "ArgumentParser", package: "swift-argument-parser",
                    condition: .when(traits: ["Executables"])),
                .product(
                    name: "Histogram", package: "hdrhistogram-swift", condition: .when(traits: ["Executables"])),
            ],
            swiftSettings: settings),
        .target(
            name: "Simulation",
            dependencies: ["SeededRandom", "SluiceHub", "SluiceRuntime", "SluiceWire"],
            path: "Tests/Simulation",
            swiftSettings: settings),
        .executableTarget(
            name: "sluice-simulate",
            dependencies: ["BuildVersion", "Simulation", "SluiceHub", "SluiceRuntime"],
            path: "Tests/Simulate",
            exclude: ["Mutants"],
            swiftSettings: settings),
        .executableTarget(
            name: "conformance-adapter",
            dependencies: ["SluiceClient", "SluiceRuntime"],
            path: "Tests/ConformanceAdapter",
            swiftSettings: settings),
        .target(name: "SeededRandom", path: "Tests/SeededRandom", swiftSettings: settings),
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: settings),
        .testTarget(
            name: "SluiceRuntimeTests",
            dependencies: ["SluiceRuntime", "SeededRandom", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "SluiceWireTests",
            dependencies: ["SluiceWire", "SeededRandom", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "SluiceHubTests",
            dependencies: ["SluiceHub", "SluiceRuntime", "SluiceWire", "SeededRandom", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "SluiceWebTests",
            dependencies: ["SluiceWeb", "SluiceHub", "SluiceRuntime", "SluiceWire", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "SluiceClientTests",
            dependencies: ["SluiceClient", "SluiceHub", "SluiceRuntime", "SluiceWire", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "SimulationTests",
            dependencies: ["Simulation", "SluiceHub", "SluiceWire", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "IntegrationTests",
            // The tests run the programs and do not link them; this makes SwiftPM build them first.
            dependencies: [
                "sluiced", "sluice", "sluice-load", "sluice-simulate", "conformance-adapter", "SluiceClient",
                "SluiceHub", "SluiceRuntime", "SluiceWire", "TestSupport",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "SluiceCommandTests",
            dependencies: [
                "sluice", "SluiceClient", "SluiceWire",
                .product(
                    name: "ArgumentParser", package: "swift-argument-parser",
                    condition: .when(traits: ["Executables"])),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "SluiceLoadTests",
            dependencies: [
                "sluice-load", "SluiceWire", "SeededRandom",
                .product(
                    name: "ArgumentParser", package: "swift-argument-parser",
                    condition: .when(traits: ["Executables"])),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "SluicedTests",
            dependencies: [
                "sluiced", "SluiceHub", "SluiceWire",
                .product(name: "Logging", package: "swift-log", condition: .when(traits: ["Executables"])),
            ],
            swiftSettings: settings),
    ]
)

// Only `make fuzz` builds this target, because libFuzzer supplies its `main`.
if Context.environment["SLUICE_FUZZING"] != nil {
    package.targets.append(
        .executableTarget(
            name: "Fuzz",
            dependencies: ["COpenSSL", "SluiceHub", "SluiceRuntime", "SluiceWeb", "SluiceWire"],
            path: "Tests/Fuzzing/Fuzz",
            swiftSettings: settings))
}
