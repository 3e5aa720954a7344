import Glibc

/// Runs one of the fuzz targets: `Fuzz TARGET [options of libFuzzer]`. docs/reliability.md describes the targets.
///
/// libFuzzer has the `main` function, which calls the two functions below.
enum Fuzz {
    private static let targets: [String: @Sendable (FuzzedInput) -> Void] = [
        "requests": { RequestsTarget.check($0) },
        "replies": { RepliesTarget.check($0) },
        "conversations": { ConversationsTarget.check($0) },
        "records": { RecordsTarget.check($0) },
        "features": { FeaturesTarget.check($0) },
        "web": { WebTarget.check($0) },
    ]

    /// Set once, before the first input.
    nonisolated(unsafe) static var target: @Sendable (FuzzedInput) -> Void = { _ in }

    /// Removes the target's name from the arguments.
    static func choose(_ count: inout Int32, _ arguments: inout UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) {
        guard count > 1, let word = arguments[1], let chosen = targets[String(cString: word)] else {
            print("usage: Fuzz TARGET [options of libFuzzer] [directories]; TARGET: \(targets.keys.sorted())")
            exit(64)
        }
        target = chosen
        arguments[1] = arguments[0]
        arguments += 1
        count -= 1
    }
}

@_cdecl("LLVMFuzzerInitialize")
func initialize(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
) -> Int32 {
    Fuzz.choose(&count.pointee, &arguments.pointee)
    return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    Fuzz.target(FuzzedInput(bytes, count))
    return 0
}
