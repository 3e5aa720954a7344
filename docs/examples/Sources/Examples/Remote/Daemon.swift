// What the remote examples have in common.

import Foundation
import SluiceClient

/// Where the daemon is: docs/examples/with-daemon starts one, and says where.
let daemonAddress = ProcessInfo.processInfo.environment["SLUICE"] ?? "127.0.0.1:7333"

extension Message {
    /// The message as a number.
    var number: Int? { Int(text) }
}
