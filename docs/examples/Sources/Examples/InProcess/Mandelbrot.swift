// A worker farm that draws the Mandelbrot set. An idle worker takes the next row; the results arrive in any order, each
// with the number of its row.
//
//     make example NAME=mandelbrot
//
// pi is a farm whose workers are connections, one of which dies at work.

import SluiceRuntime

func mandelbrot() throws {
    let (width, height) = (76, 24)
    let picture = try Reactor().run {
        let (rows, toDo) = Channel<Int>.ends(name: "rows")
        let (results, drawn) = Channel<(row: Int, line: String)>.ends(name: "drawn")
        return try await withNursery("farm") { nursery in
            nursery.spawn("farmer") {
                defer { rows.retire() }
                for row in 0..<height { try await rows.send(row) }
            }
            for number in 1...4 {
                let results = try results.copy()
                nursery.spawn("worker \(number)") {
                    // When the last worker has retired, the channel of results is closed.
                    defer { results.retire() }
                    for try await row in toDo {
                        let line = (0..<width).map { shade(column: $0, row: row, width, height) }
                        try await results.send((row, String(line)))
                    }
                }
            }
            results.retire()
            var picture = [String](repeating: "", count: height)
            for try await (row, line) in drawn { picture[row] = line }
            return picture
        }
    }
    print(picture.joined(separator: "\n"))
}

/// Returns a character that says how soon the point escapes.
private func shade(column: Int, row: Int, _ width: Int, _ height: Int) -> Character {
    let shades = Array(" .:-=+*%@#")
    let (realPart, imaginaryPart) = (
        -2.2 + 3.2 * Double(column) / Double(width - 1), -1.2 + 2.4 * Double(row) / Double(height - 1)
    )
    var (x, y) = (0.0, 0.0)
    for count in 0..<200 {
        (x, y) = (x * x - y * y + realPart, 2 * x * y + imaginaryPart)
        if x * x + y * y > 4 { return shades[min(count / 2, shades.count - 2)] }
    }
    return "#"
}
