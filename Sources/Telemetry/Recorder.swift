public import Bytes
import CLinux
import Synchronization

public enum LogLevel: Int, CaseIterable, Comparable, Sendable {
    case debug, info, warn, error

    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

    public var name: StaticString {
        switch self {
        case .debug: "debug"
        case .info: "info"
        case .warn: "warn"
        case .error: "error"
        }
    }
}

/// Where records go: access and audit records to standard output, the rest to standard error, one JSON object a line. No call waits for
/// whoever reads them: a reader that stalls costs access records first, audit events only once their own room is full, requests never.
public final class Recorder: Sendable {
    private let records: LineWriter
    private let diagnostics: LineWriter
    private let level: Atomic<Int>
    private let clock: @Sendable () -> WallTime

    /// - Parameters:
    ///   - output, diagnostics: descriptors, which stay the caller's.
    ///   - capacity: bytes of access records that may wait; as many again of audit events, and of diagnostics.
    ///   - clock: what time records say it is; nil: the system's.
    ///   - level: diagnostics below it are left out.
    public init(output: Int32 = 1, diagnostics: Int32 = 2, capacity: Int = 4 << 20, level: LogLevel = .info,
                clock: (@Sendable () -> WallTime)? = nil) {
        records = LineWriter(output: output, capacity: capacity, name: "records")
        self.diagnostics = LineWriter(output: diagnostics, capacity: min(capacity, 1 << 20), name: "diagnostics")
        self.level = Atomic(level.rawValue)
        self.clock = clock ?? { WallTime(milliseconds: menwei_wall_ms()) }
    }

    deinit {
        records.stop()
        diagnostics.stop()
    }

    /// Diagnostics below `level` are left out from now on.
    public func setLevel(_ level: LogLevel) { self.level.store(level.rawValue, ordering: .relaxed) }

    /// Records that were not written: nobody read fast enough, or nobody at all.
    public var dropped: UInt64 { records.dropped &+ diagnostics.dropped }

    /// Adds an access record: a whole line, as `AccessRecord.encode(into:)` makes it.
    public func access(_ line: Span<UInt8>) { records.add(line, .ordinary) }

    public func access(_ line: [UInt8]) { records.add(line.span, .ordinary) }

    public func audit(_ event: AuditEvent) {
        var line = JSONLine()
        event.encode(into: &line, at: clock())
        records.add(line.bytes, .urgent)
    }

    /// Adds a diagnostic line. `message` says what happened and is the same each time; `details` say to whom or where. Secrets, and what
    /// WeCom says in `errmsg`, belong in neither.
    public func log(_ level: LogLevel, _ message: StaticString, _ details: [(StaticString, String)] = []) {
        guard level.rawValue >= self.level.load(ordering: .relaxed) else { return }
        var line = JSONLine()
        line.begin()
        line.add("time", clock())
        line.add("level", literal: level.name)
        line.add("message", message.description)
        for (key, value) in details { line.add(key, value) }
        line.end()
        diagnostics.add(line.bytes, level >= .warn ? .urgent : .ordinary)
    }

    /// Waits until everything is written, `timeout` at the most for each of the two outputs; false where something is left. For the end of the process.
    @discardableResult public func flush(timeout: Duration = .seconds(2)) -> Bool {
        let milliseconds = Int32(clamping: max(0, timeout.milliseconds))
        let records = records.flush(milliseconds: milliseconds)
        return diagnostics.flush(milliseconds: milliseconds) && records
    }
}
