// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that building Sluice does not build its examples.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("InferIsolatedConformances"),
]

let package = Package(
    name: "sluice-examples",
    dependencies: [.package(name: "sluice", path: "../..", traits: [])],
    targets: [
        .executableTarget(
            name: "Examples",
            dependencies: [
                .product(name: "SluiceClient", package: "sluice"),
                .product(name: "SluiceRuntime", package: "sluice"),
            ],
            swiftSettings: settings)
    ]
)
