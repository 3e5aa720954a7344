// swift-tools-version: 6.2
import PackageDescription

// A user's package: deploy/check-user-package.sh copies it, generates call shapes into it, and builds and runs it.
let sluice = Context.environment["SLUICE_PATH"] ?? "../../.."
let products: [Target.Dependency] = [
    .product(name: "SluiceRuntime", package: "sluice"), .product(name: "SluiceHub", package: "sluice"),
]

let package = Package(
    name: "CallShapes",
    dependencies: [.package(name: "sluice", path: sluice, traits: [])],
    targets: [
        // The same shapes twice: where a nonisolated async function leaves its caller's actor, and where it stays there.
        .executableTarget(name: "CallShapes", dependencies: products),
        .executableTarget(
            name: "CallShapesNonsending", dependencies: products,
            swiftSettings: [.enableUpcomingFeature("NonisolatedNonsendingByDefault")]),
    ]
)
