// swift-tools-version: 6.2
import PackageDescription

// A user's package that enables the trait Metrics: deploy/check-metrics.sh builds and runs it.
let package = Package(
    name: "MetricsUser",
    dependencies: [
        .package(name: "sluice", path: Context.environment["SLUICE_PATH"] ?? "../../..", traits: ["Metrics"]),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.7.0"),
    ],
    targets: [
        .executableTarget(
            name: "MetricsUser",
            dependencies: [
                .product(name: "SluiceHub", package: "sluice"), .product(name: "SluiceRuntime", package: "sluice"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
            ])
    ]
)
