/// A value behind an untyped address, for code that passes it on without knowing its type.
@usableFromInline
enum Parcel {
    @inlinable
    static func wrap<Value>(_ value: Value) -> UnsafeMutableRawPointer {
        let address = isEmpty(Value.self) ? emptyAddress() : UnsafeMutablePointer<Value>.allocate(capacity: 1)
        address.initialize(to: value)
        return UnsafeMutableRawPointer(address)
    }

    /// Moves the value out. Call once for each parcel.
    @inlinable
    static func open<Value>(_ parcel: UnsafeMutableRawPointer, as type: Value.Type) -> Value {
        let address = parcel.assumingMemoryBound(to: Value.self)
        defer { if !isEmpty(Value.self) { address.deallocate() } }
        return address.move()
    }

    /// Copies the value, which stays in the parcel.
    @inlinable
    static func look<Value>(into parcel: UnsafeMutableRawPointer, as type: Value.Type) -> Value {
        parcel.assumingMemoryBound(to: Value.self).pointee
    }

    /// Whether values have no bytes, as `Void`, and need no allocation.
    @inlinable
    static func isEmpty<Value>(_ type: Value.Type) -> Bool { MemoryLayout<Value>.size == 0 }

    @inlinable
    static func emptyAddress<Value>() -> UnsafeMutablePointer<Value> {
        UnsafeMutablePointer(bitPattern: MemoryLayout<Value>.alignment) ?? .allocate(capacity: 1)
    }
}
