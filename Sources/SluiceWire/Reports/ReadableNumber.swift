extension String {
    /// A number with a space before every three digits: "1 234 567".
    package init(readable number: Int) {
        let digits = String(number.magnitude)
        self = number < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.utf8.count - index) % 3 == 0 { append(" ") }
            append(digit)
        }
    }
}
