/// The replies of a connection that the kernel has not taken yet. Owns memory only while there are some.
struct OutputBuffer: ~Copyable {
    private var bytes: [UInt8] = []
    /// How many of `bytes` the kernel has taken.
    private var sent = 0
    private let share: ReactorShare

    init(of share: ReactorShare) {
        self.share = share
    }

    /// How many bytes wait.
    var count: Int { bytes.count - sent }
    var isEmpty: Bool { bytes.isEmpty }

    mutating func append(_ encode: (inout [UInt8]) -> Void) {
        if bytes.isEmpty { bytes = share.takeBuffer() }
        encode(&bytes)
    }

    func withUnsent<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[sent...])) }
    }

    /// Lets go of the first `count` bytes that wait.
    mutating func drop(_ count: Int) {
        sent += count
        if sent == bytes.count {
            var empty: [UInt8] = []
            swap(&empty, &bytes)
            share.giveBack(empty)
            sent = 0
        } else if sent > bytes.count / 2 {
            // Moving what is left costs no more than has been sent since it was moved last.
            bytes.removeFirst(sent)
            sent = 0
        }
    }
}
