extension String {
    /// A number in SVG, to hundredths: never in scientific notation, and never NaN or infinite.
    init(coordinate value: Double) {
        let hundredths = value.isFinite ? Int((Double.minimum(value.magnitude, 1e9) * 100).rounded()) : 0
        let fraction = hundredths % 100
        self = value < 0 && hundredths > 0 ? "-" : ""
        append("\(hundredths / 100)")
        if fraction.isMultiple(of: 10) {
            if fraction > 0 { append(".\(fraction / 10)") }
        } else {
            append(fraction < 10 ? ".0\(fraction)" : ".\(fraction)")
        }
    }

    /// A part of a width or height: `12.5%`.
    init(percentOf part: Double) { self = String(coordinate: part * 100) + "%" }
}
