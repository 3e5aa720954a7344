import Glibc

/// A terminal in which a program draws: without echo, on a screen of its own, which is taken away afterwards.
///
/// On the reactor's thread only, but for `restore` at the process's end.
final class Terminal: @unchecked Sendable {
    // Sendable: see above.

    /// The terminal to restore if the process ends in whatever way.
    nonisolated(unsafe) private static weak var current: Terminal?

    private let input: Int32
    private let output: Int32
    private var usual = termios()
    private var isDrawing = false
    /// What the screen shows.
    private var shown: [String] = []

    /// - Throws: when there is no terminal that can do it.
    init() throws(Failure) {
        input = STDIN_FILENO
        output = STDOUT_FILENO
        guard isatty(input) == 1, isatty(output) == 1 else {
            throw Failure("top needs a terminal; for scripts there are info, channels and waiters", .usage)
        }
        if let kind = getenv("TERM").map({ String(cString: $0) }), kind == "dumb" {
            throw Failure("top needs a terminal that can do more than TERM=dumb", .usage)
        }
        guard tcgetattr(input, &usual) == 0 else { throw Failure("cannot ask the terminal for its settings") }
        Self.current = self
        atexit { Terminal.current?.restore() }
    }

    /// Columns and lines.
    var size: (width: Int, height: Int) {
        var size = winsize()
        guard ioctl(output, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else { return (80, 24) }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// Takes the screen.
    func begin() {
        guard !isDrawing else { return }
        isDrawing = true
        var raw = usual
        raw.c_lflag &= ~UInt32(ICANON | ECHO)
        tcsetattr(input, TCSADRAIN, &raw)
        // The other screen, no cursor, no wrapping.
        write("\u{1B}[?1049h\u{1B}[?25l\u{1B}[?7l")
        forget()
    }

    /// Gives the screen back as it was.
    func restore() {
        guard isDrawing else { return }
        isDrawing = false
        write("\u{1B}[0m\u{1B}[?7h\u{1B}[?25h\u{1B}[?1049l")
        tcsetattr(input, TCSADRAIN, &usual)
    }

    /// Has the next picture drawn as a whole: the size is another one.
    func forget() {
        shown = []
    }

    /// Draws a picture, of which only the lines that differ are written, at once: so nothing flickers, and little goes
    /// over a slow connection.
    func draw(_ lines: [String]) {
        guard isDrawing else { return }
        var text = shown.isEmpty ? "\u{1B}[2J" : ""
        for (index, line) in lines.enumerated() where !shown.indices.contains(index) || shown[index] != line {
            // The rest of the line goes first: behind a full line, the cursor stands on its last character.
            text += "\u{1B}[\(index + 1);1H\u{1B}[2K\(line)"
        }
        shown = lines
        // Terminals that know it show all of it at the same time; others pass over it.
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

/// What was typed.
enum Key: Sendable, Hashable {
    case character(Character)
    case up, down, pageUp, pageDown, home

    /// The keys in what a terminal has sent.
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
