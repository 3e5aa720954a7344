import SluiceWire
import Testing

@Suite struct TextTableTests {
    private var table = TextTable(.text("NAME"), .number("SIZE"), .text("NOTE"))

    @Test("Words are aligned on the left and numbers on the right")
    func wordsStandOnTheLeftAndNumbersOnTheRight() {
        var table = table
        table.append("a", "5", "x")
        table.append("longer", "12345", "y")
        #expect(
            table.text() == """
                NAME     SIZE  NOTE
                a           5  x
                longer  12345  y
                """)
    }

    @Test("A table without rows shows its headings")
    func aTableWithoutRowsIsItsHeadings() {
        #expect(table.text() == "NAME  SIZE  NOTE")
    }

    @Test("A nil cell is shown as a hyphen")
    func whatIsMissingIsAHyphen() {
        var table = table
        table.append(nil, nil, nil)
        #expect(
            table.text() == """
                NAME  SIZE  NOTE
                -        -  -
                """)
    }

    @Test("No line ends in a space")
    func noLineEndsInASpace() {
        var table = table
        table.append("a", "5", "")
        table.append("b", "", " ")
        table.append("", "", "")
        #expect(table.text() == "NAME  SIZE  NOTE\na        5\nb\n")
    }

    @Test("The last column is not padded")
    func theLastColumnIsNotPadded() {
        var table = table
        table.append("a", "5", "ä long note")
        table.append("b", "6", "ö")
        #expect(
            table.text() == """
                NAME  SIZE  NOTE
                a        5  ä long note
                b        6  ö
                """)
    }

    @Test("A long cell widens its column")
    func aLongCellWidensItsColumn() {
        var table = TextTable(.text("A"), .text("B"))
        let name = String(repeating: "n", count: Limits.maxNameBytes)
        table.append(name, "1")
        table.append("x", "2")
        let pad = String(repeating: " ", count: Limits.maxNameBytes - 1)
        #expect(table.text() == "A\(pad)  B\n\(name)  1\nx\(pad)  2")
    }

    @Test("A last line counts the rows that were left out")
    func leftOutRowsAreCounted() {
        var table = TextTable(.text("A"))
        table.append("x")
        #expect(table.text(omitted: 0) == "A\nx")
        #expect(table.text(omitted: 1) == "A\nx\n... and 1 more")
        #expect(table.text(omitted: 1_234_567) == "A\nx\n... and 1 234 567 more")
    }

    @Test("Widths are counted in characters")
    func unitsTakeOneColumn() {
        var table = TextTable([.right, .left])
        table.append("1 µs", "x")
        table.append("12 ms", "y")
        #expect(table.text() == " 1 µs  x\n12 ms  y")
    }

    @Test("Styles change neither the widths nor the text")
    func stylesAreEscapeSequences() {
        var table = TextTable([.left, .right])
        table.append([.init(text: "a", style: .strong), .init(text: "1")])
        table.append(note: .init(text: "a note", style: .faint))
        table.append([.init(text: "bc"), .init(text: "23", style: .bad)])
        #expect(table.lines() == ["a    1", "a note", "bc  23"])
        let escape = "\u{1B}["
        #expect(
            table.lines(isColoured: true) == [
                "\(escape)1ma\(escape)0m    1", "\(escape)2ma note\(escape)0m", "bc  \(escape)31m23\(escape)0m",
            ])
    }

    @Test("A table that is too wide cuts its first column only")
    func theFirstColumnIsCut() {
        var table = TextTable([.left, .right])
        table.append("a name that goes on and on", "123 456")
        #expect(table.lines(width: 20) == ["a name tha…  123 456"])
        #expect(table.lines(width: 1) == ["a name …  123 456"])
    }
}
