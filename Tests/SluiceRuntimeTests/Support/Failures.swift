@testable import SluiceRuntime

/// The error of a task that fails in a test.
struct TestFailure: Error, Equatable {
    let name: String
}

/// Returns the error that `body` throws.
func failure(of body: () async throws -> Void) async -> SluiceError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? SluiceError
    }
}
