extension RequestParser {
    /// The tag of a repeated command, borrowed from the input. Making a ``Tag`` of it, and encoding that again, takes a
    /// fifth of the instructions of a streamed message.
    package struct RepeatedTag {
        /// The tag as it stands in the line, with its `#` and the space behind it. Empty if there is none.
        package let bytes: UnsafeRawBufferPointer

        /// The tag. Nil if there is none.
        package var value: Tag? {
            bytes.count > 2 ? Tag(ByteView(UnsafeRawBufferPointer(rebasing: bytes[1..<bytes.count - 1]))) : nil
        }
    }
}
