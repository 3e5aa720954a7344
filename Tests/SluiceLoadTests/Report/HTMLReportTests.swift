import Testing

@testable import sluice_load

@Suite("HTML report")
struct HTMLReportTests {
    /// Returns what is wrong with the nesting of a page's tags; nil when each opened tag is closed in order.
    private func imbalance(_ page: String) -> String? {
        var open: [Substring] = []
        for match in page.matches(of: /<(\/?)([A-Za-z][A-Za-z0-9]*)((?:\s+[A-Za-z][A-Za-z0-9:-]*="[^"<>]*")*)\s*(\/?)>/)
        {
            let (_, closing, name, _, empty) = match.output
            if !closing.isEmpty {
                guard open.popLast() == name else { return "</\(name)> closes what is not open" }
            } else if empty.isEmpty {
                open.append(name)
            }
        }
        return open.isEmpty ? nil : "not closed: \(open)"
    }

    /// Returns whether the page has an angle bracket outside of well-formed tags, or an `&` that does not begin an entity.
    private func hasStrayMarkup(_ page: String) -> Bool {
        let text = page.dropFirst("<!DOCTYPE html>".count)
            .replacing(/<\/?[A-Za-z][A-Za-z0-9]*(?:\s+[A-Za-z][A-Za-z0-9:-]*="[^"<>]*")*\s*\/?>/, with: "")
            .replacing(/&(?:amp|lt|gt|quot);/, with: "")
        return text.contains { "<>&".contains($0) }
    }

    private func expectSound(_ report: LoadReport, sourceLocation: SourceLocation = #_sourceLocation) {
        let page = HTMLReport(report).text
        // Evaluated outside of the expectations, which would print the page.
        let (imbalance, hasStrayMarkup) = (imbalance(page), hasStrayMarkup(page))
        #expect(imbalance == nil, sourceLocation: sourceLocation)
        #expect(!hasStrayMarkup, sourceLocation: sourceLocation)
        // Checks numeric attributes only, since words may contain "nan" and "inf".
        for match in page.matches(of: /\s(?:x|y|x1|x2|y1|y2|cx|cy|r|d|width|height|viewBox)="([^"]*)"/) {
            let value = match.output.1.lowercased()
            #expect(!value.contains("nan") && !value.contains("inf"), sourceLocation: sourceLocation)
        }
    }

    @Test("Pages are well-formed")
    func pagesAreWellFormed() {
        expectSound(Sample.report([Sample.run]))
        expectSound(Sample.report([Sample.run, Sample.run]))
        expectSound(Sample.report(Sample.comparison))
        expectSound(Sample.report([]))
        expectSound(Sample.report(Sample.comparison([])))
    }

    @Test("A page loads nothing from elsewhere")
    func aPageNeedsNothingElse() {
        for report in [Sample.report([Sample.run]), Sample.report(Sample.comparison)] {
            let page = HTMLReport(report).text
            // XHTML's namespace is a name that is never loaded.
            let asked = page.replacing("http://www.w3.org/1999/xhtml", with: "")
            for word in ["http", "src=", "url(", "@import", "<link", "<script"] { #expect(!asked.contains(word)) }
        }
    }

    @Test("Markup in names is escaped")
    func hostileNamesAreText() {
        let hostile = "</title></style><script>alert(\"1\" & '2')</script>\u{0}\u{1B}"
        var run = Sample.run
        run.workload = hostile
        run.target = hostile
        run.unit = hostile
        run.settings = [RunSetting(name: hostile, value: hostile)]
        run.extras = [Figure(name: hostile, value: 1, unit: hostile)]
        var comparison = Sample.comparison
        comparison.contenders[0].title = hostile
        comparison.missing = [MissingContender(key: hostile, reason: hostile)]
        comparison.rows[0].title = hostile
        comparison.rows[0].unit = hostile
        comparison.rows[0].entries[1].manner = hostile
        comparison.rows[0].entries[1].contender = hostile
        for var report in [Sample.report([run]), Sample.report(comparison)] {
            report.command = [hostile]
            report.machine = Machine(processor: hostile, cores: 1, system: hostile)
            report.runs = [run]
            expectSound(report)
            let page = HTMLReport(report).text
            #expect(!page.contains("<script") && !page.contains("\u{0}") && !page.contains("\u{1B}"))
            #expect(page.contains("&lt;script&gt;alert(&quot;1&quot; &amp; '2')&lt;/script&gt;\u{FFFD}\u{FFFD}"))
        }
    }

    @Test("Text is escaped in elements and attributes")
    func textIsEscapedInElementsAndAttributes() {
        let element = HTMLElement("p", ["title": "a\"b<c"]) {
            "1 < 2 & 3 > 2"
            HTMLElement("br")
        }
        #expect(element.text == "<p title=\"a&quot;b&lt;c\">1 &lt; 2 &amp; 3 &gt; 2<br/></p>")
        #expect(HTMLElement("td").text == "<td></td>")
    }

    @Test(
        "A page stays sound with extreme figures",
        arguments: [0, -1, 5e-300, 1e300, .nan, .infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude] as [Double]
    )
    func noFigureIsTooOdd(value: Double) {
        var run = Sample.run
        run.seconds = value
        run.serverSeconds = value
        run.generatorSeconds = value
        run.extras[0].value = value
        run.latency?.meanNanoseconds = value
        run.timeline[0].seconds = value
        run.timeline[1].end = value
        var comparison = Sample.comparison
        for row in comparison.rows.indices {
            comparison.rows[row].entries[0].values[1] = value
            comparison.rows[row].entries[1].values = [value, value, value]
            comparison.rows[row].entries[1].serverNanoseconds = [value]
            comparison.rows[row].wanted[0].ratio = value
        }
        var report = Sample.report(comparison)
        report.runs = [run]
        report.startedAt = value
        expectSound(report)
        report.comparison = nil
        expectSound(report)
    }

    @Test("A page stays sound without any figures")
    func nothingIsNeeded() {
        var run = Sample.run
        run.operations = 0
        run.timeline = []
        run.latency = nil
        run.serverSeconds = nil
        run.settings = []
        run.extras = []
        expectSound(Sample.report([run]))
        run.latency = Latency(
            count: 0, meanNanoseconds: 0, leastNanoseconds: 0, mostNanoseconds: 0, percentiles: [])
        run.timeline = [Sample.interval(end: 1)]
        expectSound(Sample.report([run]))
        run.latency = Latency(
            count: 1, meanNanoseconds: 0, leastNanoseconds: 0, mostNanoseconds: 0,
            percentiles: [Percentile(percent: 50, nanoseconds: 0), Percentile(percent: 100, nanoseconds: 0)])
        run.timeline[0].p50Nanoseconds = nil
        run.timeline[0].p99Nanoseconds = nil
        expectSound(Sample.report([run]))
        let row = ComparisonRow(
            title: "", unit: "", isHigherBetter: true, entries: [],
            wanted: [WantedRatio(against: 3, ratio: 2, needsLowerP99: true)])
        expectSound(Sample.report(Sample.comparison([row])))
    }

    @Test("An interval without latency is a gap in the curve")
    func aStretchWithoutTimesIsAGap() {
        var run = Sample.run
        run.timeline = (1...5).map { Sample.interval(end: Double($0)) }
        run.timeline[2].p99Nanoseconds = nil
        let page = HTMLReport(Sample.report([run])).text
        #expect(page.matches(of: /class="curve series-2"/).count == 1)
        #expect(page.matches(of: /class="curve series-1 dashed"/).count == 2)
    }

    @Test("Verdicts are written as words")
    func verdictsAreWords() {
        let page = HTMLReport(Sample.report(Sample.comparison)).text
        #expect(page.contains("<span class=\"chip met\">met</span><small>p99 lower (0.348×)</small>"))
        #expect(page.contains("<span class=\"chip missed\">missed</span>"))
        #expect(page.contains("1 of 2 targets met"))
        #expect(page.contains("is not installed"))
    }

    @Test("Plots have titles and descriptions")
    func picturesHaveTitles() {
        let page = HTMLReport(Sample.report([Sample.run])).text
        #expect(page.matches(of: /<svg role="img"[^>]*><title>[^<]+<\/title>/).count == 3)
        #expect(page.matches(of: /<desc>[^<]+<\/desc>/).count == 3)
    }
}
