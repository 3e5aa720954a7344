import Testing

@testable import sluice_load

@Suite("CSV report")
struct CSVReportTests {
    /// Parses exactly what RFC 4180 permits.
    private func records(_ text: String) -> [[String]] {
        var records: [[String]] = []
        var record: [String] = []
        var field = ""
        var isQuoted = false
        var scalars = Array(text.unicodeScalars)[...]
        while let scalar = scalars.popFirst() {
            switch scalar {
            case "\"" where isQuoted && scalars.first == "\"":
                field.append("\"")
                scalars.removeFirst()
            case "\"": isQuoted.toggle()
            case "," where !isQuoted:
                record.append(field)
                field = ""
            case "\r" where !isQuoted && scalars.first == "\n":
                scalars.removeFirst()
                records.append(record + [field])
                record = []
                field = ""
            default: field.unicodeScalars.append(scalar)
            }
        }
        #expect(field.isEmpty && record.isEmpty, "each line ends in CR LF")
        return records
    }

    @Test("A run is a line")
    func aRunIsALine() {
        #expect(
            CSVReport(Sample.report([Sample.run])).text == """
                workload,target,settings,unit,seconds,operations,errors,rate,mean_ns,p50_ns,p90_ns,p99_ns,p99.9_ns,\
                max_ns,server_ns,generator_seconds\r
                handoff,sluiced,pairs=50 threads=1,handoffs,2,20000,3,10000,1250000,1100000,2000000,4560000,12300000,\
                25000000,2500,1\r

                """)
    }

    @Test("Each value of a comparison is a line")
    func aValueOfAComparisonIsALine() {
        let records = records(CSVReport(Sample.report(Sample.comparison)).text)
        #expect(records.count == 1 + 12)
        #expect(records.first == ["row", "contender", "manner", "round", "value", "unit", "p99_ns", "server_ns"])
        #expect(
            records[1] == ["handoff, 50 pairs", "us", "SEND and RECV", "1", "400000", "handoffs/s", "300000", "1700"])
        #expect(records.last == ["idle", "them", "", "3", "2000", "bytes a connection", "", ""])
    }

    @Test(
        "Any text survives quoting",
        arguments: ["plain", "a,b", "say \"no\"", "\"", "two\r\nlines", "one\nline", "\r", "ä × µ", ""])
    func everyTextComesBack(text: String) {
        var comparison = Sample.comparison
        comparison.rows[0].title = text
        #expect(records(CSVReport(Sample.report(comparison)).text)[1].first == text)
    }

    @Test("Every line has the same number of fields")
    func everyLineHasAsManyFields() {
        var run = Sample.run
        run.latency = nil
        run.serverSeconds = nil
        run.seconds = .nan
        let records = records(CSVReport(Sample.report([Sample.run, run])).text)
        #expect(Set(records.map(\.count)).count == 1)
        #expect(!records.joined().contains { $0.contains("nan") })
    }
}
