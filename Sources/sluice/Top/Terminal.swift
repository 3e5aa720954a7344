import Glibc

/// A terminal that a program draws on: without echo, on the alternate screen, which is removed afterwards.
///
/// On the reactor's thread only, except for `restore` when the process ends.
final class Terminal: @unchecked Sendable {
    // Sendable: see above.

    /// The terminal to restore when the process ends.
    nonisolated(unsafe) private static weak var current: Terminal?

    private let input: Int32
    private let output: Int32
    private var usual = termios()
    private var isDrawing = false
    /// The lines that the screen shows.
    private var shown: [String] = []

    /// - Throws: when there is no suitable terminal.
    init() throws(Failure) {
        input = STDIN_FILENO
        output = STDOUT_FILENO
        guard isatty(input) == 1, isatty(output) == 1 else {
            throw Failure("top needs a terminal; in scripts, use info, channels and waiters", .usage)
        }
        if let kind = getenv("TERM").map({ String(cString: $0) }), kind == "dumb" {
            throw Failure("top needs a better terminal than TERM=dumb", .usage)
        }
        guard tcgetattr(input, &usual) == 0 else { throw Failure("cannot read the settings of the terminal") }
        Self.current = self
        atexit { Terminal.current?.restore() }
    }

    /// The size in columns and lines.
    var size: (width: Int, height: Int) {
        var size = winsize()
        guard ioctl(output, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return (80, 24) }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Switches to the alternate screen.
    func begin() {
        guard !isDrawing else { return }
        isDrawing = true
        var raw = usual
        raw.c_lflag &= ~UInt32(ICANON | ECHO)
        tcsetattr(input, TCSADRAIN, &raw)
        // The alternate screen, no cursor, no wrapping.
        write("\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l")
        forget()
    }

    /// Restores the screen and the settings.
    func restore() {
        guard isDrawing else { return }
        isDrawing = false
        write("\u{1B}[0m\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l")
        tcsetattr(input, TCSADRAIN, &usual)
    }

    /// Makes the next `draw` write every line, because the size has changed.
    func forget() {
        shown = []
    }

    /// Draws lines. Writes only those that differ, in one write, so that nothing flickers and a slow connection suffices.
    func draw(_ lines: [String]) {
        guard isDrawing else { return }
        var text = shown.isEmpty ? "\u{1B}[2J" : ""
        for (index, line) in lines.enumerated() where !shown.indices.contains(index) || shown[index] != line {
            // Clears the line first: after a full line, the cursor would stand on its last character.
            text += "\u{1B}[\(index + 1);1H\u{1B}[2K\(line)"
        }
        shown = lines
        // Terminals that know this sequence update everything at the same time. Others ignore it.
        if !text.isEmpty { write("\u{1B}[?2026h\(text)\u{1B}[?2026l") }
    }

    private func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(output, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { return }
            bytes = bytes.dropFirst(max(count, 0))
        }
    }
}

/// A key that was pressed.
enum Key: Sendable, Hashable {
    case character(Character)
    case up, down, pageUp, pageDown, home

    /// Returns the keys in the input of a terminal.
    static func keys(in bytes: [UInt8]) -> [Key] {
        let sequences: [(text: String, key: Key)] = [
            ("\u{1B}[A", .up), ("\u{1B}OA", .up), ("\u{1B}[B", .down), ("\u{1B}OB", .down), ("\u{1B}[5~", .pageUp),
            ("\u{1B}[6~", .pageDown), ("\u{1B}[H", .home), ("\u{1B}[1~", .home),
        ]
        var keys: [Key] = []
        var rest = String(decoding: bytes, as: UTF8.self)[...]
        while let first = rest.first {
            if let sequence = sequences.first(where: { rest.hasPrefix($0.text) }) {
                keys.append(sequence.key)
                rest = rest.dropFirst(sequence.text.count)
            } else {
                keys.append(.character(first))
                rest = rest.dropFirst()
            }
        }
        return keys
    }
}
