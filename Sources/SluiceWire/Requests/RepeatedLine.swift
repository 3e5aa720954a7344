extension RequestParser {
    /// A line that repeats the previous one, borrowed from the input.
    package struct RepeatedLine {
        /// The number of the line that it repeats.
        package internal(set) var serial: UInt32 = 0
        package internal(set) var tag = RepeatedTag(bytes: UnsafeRawBufferPointer(start: nil, count: 0))
        /// The text of a send.
        package internal(set) var text = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// The tag of a repeated command, borrowed from the input. Making a ``Tag`` of it, and encoding that again, takes a
    /// fifth of the instructions of a streamed message.
    package struct RepeatedTag {
        /// The tag as it is in the line, with its `#` and the space after it. Empty if there is no tag.
        package let bytes: UnsafeRawBufferPointer

        /// The tag. Nil if there is none.
        package var value: Tag? {
            bytes.count > 2 ? Tag(ByteView(UnsafeRawBufferPointer(rebasing: bytes[1..<bytes.count - 1]))) : nil
        }
    }
}
