// Shared by the remote examples.

import Foundation
import SluiceClient

/// The address of the daemon that docs/examples/with-daemon has started.
let daemonAddress = ProcessInfo.processInfo.environment["SLUICE"] ?? "127.0.0.1:7333"

extension Message {
    /// The message as a number.
    var number: Int? { Int(text) }
}
