// swift-tools-version: 6.2
import PackageDescription

// A program of somebody else's, which depends on the client alone.
let package = Package(
    name: "TenLines",
    platforms: [.macOS("26.0")],
    dependencies: [.package(name: "sluice", path: "../../..", traits: [])],
    targets: [
        .executableTarget(name: "TenLines", dependencies: [.product(name: "SluiceClient", package: "sluice")])
    ]
)
