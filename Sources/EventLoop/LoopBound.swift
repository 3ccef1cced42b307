/// A value that belongs to one loop's thread and may travel through other threads as long as nobody there looks inside.
///
/// This is the one unchecked door for everything that a loop hands out and gets back (tasks, answers, notices): it is sound because every
/// look inside is checked, at run time, to happen on the thread that closed it.
public struct LoopBound<Value>: @unchecked Sendable {
    private let held: Value
    private let thread: UInt64

    /// Binds `value` to the calling thread.
    public init(_ value: Value) {
        held = value
        thread = NamedThread.current
    }

    /// The value; a programming error (and the end of the process) on any other thread.
    public var value: Value {
        precondition(NamedThread.current == thread, "a loop's value was looked at from another thread")
        return held
    }
}
