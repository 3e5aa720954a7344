import Foundation
import TestSupport
import Testing

/// The metrics and alerts for Prometheus and the dashboard for Grafana. Uses Prometheus itself where it is installed.
@Suite(.bounded) struct MonitoringTests {
    private static let folder = Document.root.appendingPathComponent("deploy").path

    private static func has(_ program: String) -> Bool {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin"
        return path.split(separator: ":").contains { access("\($0)/\(program)", X_OK) == 0 }
    }

    private func run(_ arguments: String..., input: String = "") throws -> (output: String, status: Int32) {
        let program = try Program("/usr/bin/env", arguments)
        try program.say(input)
        try program.closeInput()
        let output = try program.rest() + program.errorOutput()
        return (output, try program.status())
    }

    private func metrics(of daemon: WebDaemon) throws -> String {
        String(try daemon.curl("/metrics").dropLast("|200".count))
    }

    @Test("The alerts and the dashboard use only metrics that exist")
    func names() throws {
        let daemon = try WebDaemon()
        let line = try daemon.line()
        #expect(try line.answer(to: "open cap=1 jobs/a") == "OK")
        _ = try daemon.curl("/healthz")
        let known = Set(
            try metrics(of: daemon).matches(of: #/^# TYPE (\w+) (\w+)$/#.anchorsMatchLineEndings()).flatMap {
                $0.2 == "histogram" ? ["\($0.1)_bucket", "\($0.1)_sum", "\($0.1)_count"] : [String($0.1)]
            })
        for file in ["deploy/prometheus/alerts.yaml", "deploy/grafana/sluice.json"] {
            let used = Document.text(at: file).matches(of: #/\bsluice_\w+/#).map { String($0.0) }
            #expect(used.count >= 10)
            for name in used { #expect(known.contains(name), "\(file): \(name)") }
        }
        let dashboard = Data(Document.text(at: "deploy/grafana/sluice.json").utf8)
        #expect(try JSONSerialization.jsonObject(with: dashboard) is [String: Any])
    }

    @Test("The document says what to do about each alert")
    func runbook() {
        let document = Document.text(at: "docs/operations.md")
        let alerts = Document.text(at: "deploy/prometheus/alerts.yaml").matches(of: #/- alert: (\w+)/#).map { $0.1 }
        #expect(alerts.count >= 10)
        for alert in alerts { #expect(document.contains("\n### \(alert)\n\n"), "\(alert)") }
    }

    @Test("The histogram of waits counts operations in the bucket of their time")
    func waits() throws {
        let daemon = try WebDaemon()
        let line = try daemon.line()
        for _ in 0..<3 { #expect(try line.answer(to: "recv timeout=20ms jobs") == "TIMEOUT") }
        let text = try metrics(of: daemon)
        #expect(text.contains("\nsluice_wait_seconds_count 3\n"))
        #expect(text.contains("\nsluice_wait_seconds_bucket{le=\"0.016777216\"} 0\n"))
        #expect(text.contains("\nsluice_wait_seconds_bucket{le=\"+Inf\"} 3\n"))
        let sum = try #require(text.firstMatch(of: #/\nsluice_wait_seconds_sum ([0-9.e-]+)\n/#))
        #expect(try #require(Double(sum.1)) >= 0.06)
    }

    @Test("promtool accepts the metrics, and the alerts pass their tests", .enabled(if: has("promtool"), "no promtool"))
    func promtool() throws {
        let daemon = try WebDaemon()
        let line = try daemon.line()
        #expect(try line.answer(to: "open cap=1 a/c") == "OK")
        let metrics = try run("promtool", "check", "metrics", input: try metrics(of: daemon))
        #expect(metrics.status == 0, "\(metrics.output)")
        let rules = try run("promtool", "check", "rules", "\(Self.folder)/prometheus/alerts.yaml")
        #expect(rules.status == 0, "\(rules.output)")
        let tests = try run("promtool", "test", "rules", "\(Self.folder)/prometheus/alerts-test.yaml")
        #expect(tests.status == 0, "\(tests.output)")
    }

    @Test("Prometheus scrapes the daemon", .enabled(if: has("prometheus"), "no prometheus"))
    func prometheus() throws {
        let daemon = try WebDaemon()
        let line = try daemon.line()
        try line.send(Array("#1 recv jobs\nsend jobs x\n".utf8))
        for _ in 0..<3 { _ = try line.line() }
        let folder = temporaryPath("prometheus")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try """
        global: {scrape_interval: 1s}
        rule_files: ["\(Self.folder)/prometheus/alerts.yaml"]
        scrape_configs:
          - {job_name: sluice, static_configs: [{targets: ["127.0.0.1:\(try daemon.port)"]}]}

        """.write(toFile: "\(folder)/prometheus.yaml", atomically: true, encoding: .utf8)
        let prometheus = try Program(
            "/usr/bin/env",
            [
                "prometheus", "--config.file=\(folder)/prometheus.yaml", "--storage.tsdb.path=\(folder)/data",
                "--web.listen-address=127.0.0.1:0", "--log.level=info",
            ])
        var port: Substring?
        while port == nil, let line = try prometheus.errorLine() {
            port = line.firstMatch(of: #/Listening on" address=127\.0\.0\.1:(\d+)/#)?.1
        }
        let address = "http://127.0.0.1:\(try #require(port))/api/v1/query?query=sluice_handoffs_total"
        try waitUntil {
            try run("curl", "-sS", address).output.contains(#""value":["#)
        }
        #expect(try run("curl", "-sS", address).output.contains(#","1"]"#))
    }
}
