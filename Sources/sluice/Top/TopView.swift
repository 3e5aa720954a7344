import SluiceWire

/// Lays out a model in a given number of lines and columns.
struct TopView: Sendable {
    let width: Int
    let height: Int
    let glyphs: Glyphs

    /// Returns the lines from the top: as many as the height, none wider than the width.
    func lines(_ model: TopModel) -> [StyledLine] {
        guard height > 2 else {
            return Array([title(model), footer(model)].prefix(max(0, height))).map { $0.cut(to: width) }
        }
        var lines = [title(model), summary(model)]
        lines += graph(model)
        let rest = height - lines.count - 1
        let waiters = model.waiters.isEmpty ? 0 : min(model.waiters.count + 2, max(0, rest * 2 / 5))
        let hasWaiters = waiters >= 3
        lines += channels(model, rows: rest - (hasWaiters ? waiters : 0))
        if hasWaiters { lines += self.waiters(model, rows: waiters) }
        while lines.count < height - 1 { lines.append(StyledLine()) }
        lines = Array(lines.prefix(height - 1)) + [footer(model)]
        return lines.map { $0.cut(to: width) }
    }

    // MARK: Head and foot

    private func title(_ model: TopModel) -> StyledLine {
        var line = StyledLine(" sluice top ", .inverse)
        line.append(" \(model.hub) ".columns(max(0, min(model.hub.count + 2, width - 14)), glyphs), .inverse)
        let right =
            model.server.map { "up \(String(readableSeconds: $0.uptimeSeconds)) \(glyphs.dot) \($0.version) " } ?? ""
        if line.width + right.count <= width {
            line.pad(to: width - right.count, .inverse)
            line.append(right, .inverse)
        }
        line.pad(to: width, .inverse)
        return line
    }

    private func summary(_ model: TopModel) -> StyledLine {
        if let trouble = model.trouble { return StyledLine(" \(trouble)".columns(width, glyphs), .bold) }
        guard let server = model.server else { return StyledLine(" waiting for the hub", .dim) }
        var line = StyledLine(" ")
        line.append(model.rate.map { Self.rate($0) } ?? "-", .bold)
        line.append(" messages/s", .dim)
        var parts = [
            (String(readable: server.connections), server.connections == 1 ? "client" : "clients"),
            (String(readable: server.parked), "waiting"),
            (String(readable: server.channels), server.channels == 1 ? "channel" : "channels"),
            (String(readable: server.leases), "leased"), (String(readable: server.bufferedMessages), "buffered"),
        ]
        if let memory = server.residentBytes { parts.append((String(readableBytes: memory), "memory")) }
        for (number, word) in parts where line.width + number.count + word.count + 4 <= width {
            line.append("   ")
            line.append(number, .bold)
            line.append(" \(word)", .dim)
        }
        return line
    }

    private func graph(_ model: TopModel) -> [StyledLine] {
        let rows = height >= 40 ? 5 : height >= 24 ? 3 : height >= 14 ? 1 : 0
        guard rows > 0 else { return [] }
        let values = Array(model.rates.suffix(max(0, width - 14)))
        let highest = values.max() ?? 0
        let blank = String(repeating: " ", count: max(0, width - 14 - values.count))
        let bars = glyphs.graph(values, highest: highest, rows: rows)
        return bars.enumerated().map { index, text in
            var line = StyledLine(" " + blank)
            line.append(text, .graph)
            if index == 0, highest > 0 { line.append(" max \(Self.rate(highest))", .dim) }
            return line
        } + [StyledLine()]
    }

    private func footer(_ model: TopModel) -> StyledLine {
        if let trouble = model.trouble {
            return StyledLine(" \(trouble) ".columns(width, glyphs), .bad)
        }
        var line = StyledLine(" ")
        let state = model.isPaused ? "go on (paused)" : "pause"
        for (key, what) in [("q", "quit"), ("s", "sort: \(model.order.rawValue)"), ("p", state), ("j k", "scroll")]
        where line.width + key.count + what.count + 4 <= width {
            line.append(key, .bold)
            line.append(" \(what)   ", .dim)
        }
        return line
    }

    // MARK: Channels

    private func channels(_ model: TopModel, rows: Int) -> [StyledLine] {
        guard rows > 0 else { return [] }
        let all = model.ordered
        let capacity = max(0, rows - 2)
        let scroll = min(model.scroll, max(0, all.count - capacity))
        let shown = all.dropFirst(scroll).prefix(capacity)
        var table = ColumnTable(width: width, glyphs: glyphs)
        let kind = width >= 92 ? min(22, max(10, shown.map(\.kindText.count).max() ?? 0)) : 0
        let trend = width >= 140 ? 24 : width >= 116 ? 12 : 0
        // The width that the numbers and a reason leave.
        let longest = max(16, all.map(\.name.count).max() ?? 0)
        let pictures = [kind, trend].reduce(0) { $0 + ($1 > 0 ? $1 + 2 : 0) }
        let room = width - 42 - pictures - (width >= 56 ? 16 : 0) - (width >= 100 ? 8 : 0)
        table.add("CHANNEL", width: min(longest, max(12, room)))
        if kind > 0 { table.add("KIND", width: kind) }
        table.add("MSG/S", width: 9, right: true)
        if trend > 0 { table.add("TREND", width: trend) }
        for heading in ["SEND", "RECV"] { table.add(heading, width: 6, right: true) }
        if width >= 56 { for heading in ["BUF", "LEASED"] { table.add(heading, width: 6, right: true) } }
        if width >= 100 { table.add("ENDS", width: 6, right: true) }
        table.addRest("STATE", atLeast: 8)
        var lines = [table.heading]
        for channel in shown { lines.append(row(channel, model, table, trend)) }
        if all.isEmpty { lines.append(StyledLine(" no channel is in use", .dim)) }
        let below = all.count - scroll - shown.count + model.omittedChannels
        while lines.count < rows - 1 { lines.append(StyledLine()) }
        lines.append(
            below > 0 ? StyledLine(" \(glyphs.ellipsis) and \(String(readable: below)) more", .dim) : StyledLine())
        return Array(lines.prefix(rows))
    }

    private func row(_ channel: ChannelReport, _ model: TopModel, _ table: ColumnTable, _ trend: Int) -> StyledLine {
        let rate = model.rate(of: channel.name)
        let past = Array((model.channelRates[channel.name] ?? []).suffix(trend))
        let picture = glyphs.graph(past, highest: past.max() ?? 0).first ?? ""
        let blank = String(repeating: " ", count: max(0, trend - past.count))
        return table.row([
            "CHANNEL": (channel.name, rate > 0 ? .bold : .plain),
            "KIND": (channel.kindText, .dim),
            "MSG/S": (model.tracesHandoffs ? Self.rate(rate) : "-", rate > 0 ? .good : .dim),
            "TREND": (blank + picture, .graph),
            "SEND": (Self.count(channel.senders), channel.senders > 0 ? .notable : .dim),
            "RECV": (Self.count(channel.receivers), channel.receivers > 0 ? .plain : .dim),
            "BUF": (Self.count(channel.buffered), channel.buffered > 0 ? .notable : .dim),
            "LEASED": (Self.count(channel.leased), channel.leased > 0 ? .plain : .dim),
            "ENDS": (channel.endsText ?? "-", .dim),
            "STATE": (channel.stateText, channel.state == .open ? .dim : channel.state == .closed ? .notable : .bad),
        ])
    }

    // MARK: Waiters

    private func waiters(_ model: TopModel, rows: Int) -> [StyledLine] {
        var table = ColumnTable(width: width, glyphs: glyphs)
        table.add("WAITED", width: 10, right: true)
        table.add("CLIENT", width: min(22, max(12, width / 4)))
        if width >= 100 { table.add("LEFT", width: 10, right: true) }
        if width >= 64 { table.add("STATE", width: 11) }
        table.addRest("OPERATION", atLeast: 10)
        let shown = model.waiters.prefix(rows - 2)
        var lines = [table.heading]
        for waiter in shown {
            let seconds = waiter.waitingSeconds
            lines.append(
                table.row([
                    "WAITED": (
                        String(readableSeconds: seconds), seconds >= 60 ? .bad : seconds >= 10 ? .notable : .plain
                    ),
                    "CLIENT": (waiter.client + (waiter.label.map { " \($0)" } ?? ""), .plain),
                    "LEFT": (waiter.timeoutSeconds.map { String(readableSeconds: $0) } ?? "-", .dim),
                    "STATE": (waiter.state.rawValue, waiter.state == .waiting ? .dim : .notable),
                    "OPERATION": (waiter.operationText, .plain),
                ]))
        }
        let below = model.waiters.count - shown.count + model.omittedWaiters
        lines.append(
            below > 0 ? StyledLine(" \(glyphs.ellipsis) and \(String(readable: below)) more", .dim) : StyledLine())
        return lines
    }

    // MARK: Numbers

    /// Returns a rate in at most eight characters.
    static func rate(_ rate: Double) -> String {
        switch rate {
        case ..<0.05: "0"
        case ..<10: "\(Int(rate)).\(Int(rate * 10) % 10)"
        case ..<1_000_000: String(readable: Int(rate))
        default: "\(Int(rate / 1_000_000)).\(Int(rate / 100_000) % 10) M"
        }
    }

    /// Returns a count in at most six characters.
    static func count(_ count: Int) -> String {
        switch count {
        case ..<100_000: String(readable: count)
        case ..<1_000_000: "\(count / 1000) k"
        default: "\(count / 1_000_000) M"
        }
    }
}

/// Columns below headings, with two spaces between them.
struct ColumnTable: Sendable {
    private struct Column {
        let heading: String
        let width: Int
        let right: Bool
    }

    private let width: Int
    private let glyphs: Glyphs
    private var columns: [Column] = []
    private var used = 1

    init(width: Int, glyphs: Glyphs) {
        self.width = width
        self.glyphs = glyphs
    }

    mutating func add(_ heading: String, width: Int, right: Bool = false) {
        columns.append(Column(heading: heading, width: width, right: right))
        used += width + 2
    }

    /// Adds a last column for all the remaining width, if it is enough.
    mutating func addRest(_ heading: String, atLeast least: Int) {
        if width - used >= least { add(heading, width: width - used) }
    }

    var heading: StyledLine {
        row(Dictionary(uniqueKeysWithValues: columns.map { ($0.heading, ($0.heading, .dim)) }))
    }

    func row(_ cells: [String: (text: String, style: StyledLine.Style)]) -> StyledLine {
        var line = StyledLine(" ")
        for column in columns {
            guard let cell = cells[column.heading] else { continue }
            // Graphs already have the right width.
            let isFitting = cell.text.count == column.width
            line.append(
                isFitting ? cell.text : cell.text.columns(column.width, right: column.right, glyphs), cell.style)
            line.append("  ")
        }
        return line
    }
}
