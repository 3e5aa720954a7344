/// The style sheet of pages. It is escaped like all text, so it must not contain `<`, `>`, `&` or `"`.
enum StyleSheet {
    static var text: String {
        [colours, Palette.rules, letters, header, cards, plots, tables, narrow].joined(separator: "\n")
    }

    /// Print uses the light colours, whatever the screen uses.
    private static let colours = """

        :root { color-scheme: light dark;
        --page: #f5f6f8; --panel: #ffffff; --ink: #16191d; --faint: #59616b; --hairline: #dfe3e8; --grid: #e1e5ea;
        --good: #176b3a; --good-page: #dff3e6; --bad: #a8321f; --bad-page: #fde7e2; --open: #5f4b00;
        --open-page: #fbf0cc; \(Palette.variables(Palette.light)) }
        @media screen and (prefers-color-scheme: dark) { :root {
        --page: #101317; --panel: #191d23; --ink: #e8ebef; --faint: #a0a9b4; --hairline: #2c333c; --grid: #2a3038;
        --good: #7fd6a0; --good-page: #173425; --bad: #ff9c8a; --bad-page: #43201b; --open: #ecd27a;
        --open-page: #3a3115; \(Palette.variables(Palette.dark)) } }
        """

    private static let letters = """
        * { box-sizing: border-box; }
        html { -webkit-text-size-adjust: 100%; }
        body { margin: 0; background: var(--page); color: var(--ink);
        font: 15px/1.45 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Liberation Sans', sans-serif; }
        main { max-width: 1120px; margin: 0 auto; padding: 36px 24px 64px; }
        h1, h2, h3, p, dl, dd, figure, ul { margin: 0; padding: 0; }
        h1 { font-size: 30px; line-height: 1.2; letter-spacing: -0.01em; overflow-wrap: anywhere; }
        h2 { font-size: 20px; margin: 40px 0 12px; overflow-wrap: anywhere; }
        h3 { font-size: 16px; }
        small { display: block; font-size: 12.5px; color: var(--faint); font-weight: 400; line-height: 1.35; }
        code { font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace;
        overflow-wrap: anywhere; }
        .findings { padding-left: 18px; margin-top: 6px; }
        .contents { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 18px; margin-top: 14px; }
        a { color: inherit; }
        .note { color: var(--faint); font-size: 13.5px; }
        .summary { font-size: 22px; font-weight: 650; margin-bottom: 2px; }
        .panel { background: var(--panel); border: 1px solid var(--hairline); border-radius: 10px;
        padding: 20px 22px; margin-top: 16px; break-inside: avoid; }
        .warning { background: var(--bad-page); color: var(--bad); border-radius: 8px; padding: 10px 14px;
        margin: 12px 0; }
        """

    private static let header = """
        .eyebrow { color: var(--faint); font-size: 13px; letter-spacing: 0.04em; margin-bottom: 6px; }
        header dl { margin-top: 16px; display: grid; gap: 5px; font-size: 14px; }
        header dl div { display: grid; grid-template-columns: 80px 1fr; }
        dt { color: var(--faint); }
        """

    private static let cards = """
        .cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(158px, 1fr)); gap: 12px; }
        .card { background: var(--panel); border: 1px solid var(--hairline); border-radius: 10px;
        padding: 13px 16px 14px; break-inside: avoid; }
        .card dt { font-size: 13px; }
        .card dd { font-size: 21px; font-weight: 650; white-space: nowrap; line-height: 1.25; font-variant-numeric: tabular-nums; }
        .card.main { grid-column: span 2; border-color: var(--series-0); box-shadow: inset 4px 0 0 var(--series-0); }
        .card.main dd { font-size: 30px; line-height: 1.2; color: var(--series-0); }
        .card.bad dd { color: var(--bad); }
        .settings { display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 8px 28px;
        margin-top: 10px; }
        .settings div { display: flex; justify-content: space-between; gap: 12px;
        border-bottom: 1px solid var(--hairline); padding-bottom: 6px; }
        .settings dd { text-align: right; overflow-wrap: anywhere; }
        """

    private static let plots = """
        figcaption { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 4px 20px;
        align-items: baseline; margin-bottom: 14px; }
        .legend { display: flex; flex-wrap: wrap; gap: 2px 18px; list-style: none; font-size: 13.5px; }
        .key { display: inline-block; width: 18px; height: 0; border-top: 3px solid currentColor;
        margin-right: 7px; vertical-align: 4px; }
        .key.dashed { border-top-style: dashed; }
        .key.box { width: 11px; height: 11px; border: 0; border-radius: 3px; background: currentColor;
        vertical-align: -0.5px; }
        .plot { padding: 0 22px 30px 62px; }
        .plot.above { padding-bottom: 18px; }
        .axis-title { color: var(--faint); font-size: 12.5px; margin: 0 0 10px -62px; }
        svg { display: block; overflow: visible; }
        .grid { stroke: var(--grid); stroke-width: 1; shape-rendering: crispEdges; }
        .tick { fill: var(--faint); font-size: 12px; font-variant-numeric: tabular-nums; }
        .end { text-anchor: end; }
        .middle { text-anchor: middle; }
        .start { text-anchor: start; }
        .curve { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round;
        vector-effect: non-scaling-stroke; }
        .curve.dashed { stroke-dasharray: 7 4; stroke-linecap: butt; }
        .area { fill: currentColor; opacity: 0.13; }
        .mark { fill: currentColor; stroke: var(--panel); stroke-width: 2; }
        .value { fill: var(--ink); font-size: 12.5px; font-weight: 600; paint-order: stroke; stroke: var(--panel);
        stroke-width: 4px; stroke-linejoin: round; }
        rect.failed { fill: var(--bad); }
        .key.failed { color: var(--bad); }
        .readout { fill: var(--ink); opacity: 0; }
        .readout:hover { opacity: 0.08; }
        """

    private static let tables = """
        table { border-collapse: separate; border-spacing: 0; width: 100%; margin-top: 14px; font-size: 14px; }
        th, td { text-align: left; vertical-align: middle; padding: 9px 0 9px 18px; }
        th:first-child { padding-left: 0; }
        thead th { color: var(--faint); font-weight: 400; font-size: 12.5px; padding-top: 0; padding-bottom: 6px; }
        tbody th { font-weight: 600; overflow-wrap: anywhere; }
        .theirs th { font-weight: 500; }
        .theirs .number { font-weight: 500; }
        .number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; font-weight: 600; }
        .number.absent { color: var(--faint); font-weight: 400; }
        thead .number { font-weight: 400; }
        .bars { table-layout: fixed; }
        .bars th:first-child { width: 19%; }
        .bars .amount { width: 16%; }
        .bars .timed { width: 12.5%; }
        .bars .ratio { width: 13%; }
        .targets th:first-child { width: 25%; }
        .targets .demand { width: 16%; }
        .targets .verdict { width: 16.5%; }
        .bars small { margin-top: 1px; }
        .lane { position: relative; height: 54px; padding: 0; }
        .bars th:nth-child(2) { padding-left: 18px; }
        .lane svg { position: absolute; inset: 0; }
        td.lane { border-left: 18px solid transparent; }
        .targets .lane { height: 58px; }
        .lane.axis, .targets .lane.axis { height: 24px; }
        .axis-row td { padding-top: 0; padding-bottom: 0; }
        .bar { fill: currentColor; opacity: 0.28; }
        .median { stroke: currentColor; stroke-width: 3; }
        .whisker { stroke: var(--ink); stroke-width: 1.5; }
        .dot { fill: currentColor; stroke: var(--panel); stroke-width: 1; }
        .wanted { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 3 3; }
        .dot.met { color: var(--good); stroke-width: 2; }
        .dot.missed { color: var(--bad); stroke-width: 2; }
        .chip { display: inline-block; border-radius: 999px; padding: 1px 11px 2px; font-weight: 600; font-size: 13px; }
        .chip.met { background: var(--good-page); color: var(--good); }
        .chip.missed { background: var(--bad-page); color: var(--bad); }
        .chip.unmeasured { background: var(--open-page); color: var(--open); }
        details summary { cursor: pointer; font-weight: 600; }
        .wide { overflow-x: auto; }
        .plain th, .plain td { padding-top: 6px; padding-bottom: 6px; border-top: 1px solid var(--hairline); }
        .plain thead th { border-top: 0; }
        """

    /// On a narrow page, and in print, each table row is a block: the name, the drawing below it, and then the labelled
    /// figures.
    private static let narrow = """
        @media (max-width: 820px) {
        .minor { display: none; }
        main { padding: 22px 14px 48px; }
        h1 { font-size: 24px; }
        .panel { padding: 16px 14px; }
        .plot { padding-left: 50px; padding-right: 12px; }
        .axis-title { margin-left: -50px; }
        .cards { grid-template-columns: repeat(auto-fill, minmax(130px, 1fr)); }
        .bars thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
        .bars, .bars tbody { display: block; }
        .bars tr { display: grid; grid-template-columns: repeat(auto-fill, minmax(140px, 1fr)); gap: 4px 16px; padding: 14px 0;
        border-top: 1px solid var(--hairline); }
        .bars tr:first-child { border-top: 0; padding-top: 0; }
        .bars th, .bars td { display: block; padding: 0; }
        .bars td { width: auto; }
        .bars th:first-child { width: auto; grid-column: 1 / -1; }
        .bars td.lane { grid-column: 1 / -1; height: 38px; border: 0;
        margin: 4px 16px 4px 8px; }
        .bars td.lane.axis { height: 22px; }
        .bars .axis-row { padding: 0; border-top: 0; }
        .bars .axis-row td:empty { display: none; }
        .bars .number { text-align: left; }
        .bars .absent { display: none; }
        .bars td[data-name]::before { content: attr(data-name); display: block; font-size: 12px;
        font-weight: 400; color: var(--faint); }
        }
        @media (max-width: 560px) { header dl div { grid-template-columns: 1fr; } }
        @media print {
        body { background: none; font-size: 12px; }
        main { max-width: none; padding: 0; }
        * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
        tr, figure { break-inside: avoid; }
        section .panel:has(table) { break-inside: auto; }
        h2, h3 { break-after: avoid; }
        }
        """
}

/// Colours that people with any colour vision can distinguish: Okabe and Ito's, darkened for a light page and lightened
/// for a dark one, to a contrast of at least 4.5 to 1.
struct Palette: Sendable {
    static let light = ["#0969c8", "#bf5600", "#00805e", "#a8388c", "#836700", "#007d9c", "#8a4b2d", "#5f6670"]
    static let dark = ["#5aa9ff", "#f29a45", "#41c79c", "#e48acb", "#dfc84f", "#5fcbee", "#cf9576", "#a9b1bb"]

    private var places: [String: Int] = [:]

    /// Assigns colours in the order of the keys, the same in every chart.
    init(_ keys: [String]) {
        for key in keys where places[key] == nil { places[key] = places.count }
    }

    /// Returns the CSS class of a contender. Unknown contenders share the last colour, a grey.
    func style(of key: String) -> String { Self.style(places[key] ?? Self.light.count - 1) }

    static func style(_ place: Int) -> String { "series-\(place % light.count)" }

    /// Returns the declarations of the colours, for `:root`.
    static func variables(_ colours: [String]) -> String {
        colours.enumerated().map { "--series-\($0): \($1);" }.joined(separator: " ")
    }

    /// The rules that make each colour the current one.
    static var rules: String {
        light.indices.map { ".series-\($0) { color: var(--series-\($0)); }" }.joined(separator: "\n")
    }
}
