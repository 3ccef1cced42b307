import Bytes
import Foundation
import Testing

@testable import Telemetry

/// A pipe, closed with the value.
final class Pipe {
    let readEnd: Int32
    let writeEnd: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        _ = pipe(&ends)
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    deinit {
        close(readEnd)
        close(writeEnd)
    }

    /// Everything that lies in the pipe now.
    func read() -> [UInt8] {
        var waiting: Int32 = 0
        _ = ioctl(readEnd, UInt(FIONREAD), &waiting)
        if waiting == 0 { return [] }
        var bytes = [UInt8](repeating: 0, count: Int(waiting))
        let count = Glibc.read(readEnd, &bytes, bytes.count)
        return Array(bytes.prefix(max(0, count)))
    }

    func lines() -> [String] { String(decoding: read(), as: UTF8.self).split(separator: "\n").map(String.init) }
}

@Suite struct RecorderTests {
    let clock: @Sendable () -> WallTime = { WallTime(seconds: 0) }

    @Test func recordsGoToOneOutputAndDiagnosticsToTheOther() {
        let (out, err) = (Pipe(), Pipe())
        let recorder = Recorder(output: out.writeEnd, diagnostics: err.writeEnd, clock: clock)
        recorder.access(Array(#"{"event":"access"}"#.utf8))
        recorder.audit(AuditEvent(.login, account: "zhangsan", result: "ok"))
        recorder.log(.warn, "something", [("path", "a\nb")])
        recorder.log(.debug, "too small")
        #expect(recorder.flush(timeout: .seconds(20)))
        #expect(out.lines().sorted() == [
            #"{"event":"access"}"#, #"{"event":"login","time":"1970-01-01T00:00:00.000Z","account":"zhangsan","result":"ok"}"#,
        ])
        #expect(err.lines() == [#"{"time":"1970-01-01T00:00:00.000Z","level":"warn","message":"something","path":"a\nb"}"#])
        #expect(recorder.dropped == 0)
    }

    @Test func aReaderThatStallsCostsAccessRecordsOnly() {
        let (out, err) = (Pipe(), Pipe())
        let recorder = Recorder(output: out.writeEnd, diagnostics: err.writeEnd, capacity: 256 << 10, clock: clock)
        let line = [UInt8](repeating: 0x61, count: 999) + [0x0A]
        // Far more than the pipe and the queue hold; that this returns at all is the point.
        for _ in 0..<2000 { recorder.access(line.span) }
        let droppedBefore = recorder.dropped
        #expect(droppedBefore > 1000)
        for i in 0..<100 { recorder.audit(AuditEvent(.login, account: "member\(i)")) }
        #expect(recorder.dropped == droppedBefore, "audit events have room of their own")
        #expect(!recorder.flush(timeout: .milliseconds(1)))
        // The reader wakes up: all that was kept arrives whole, audit events among it.
        var bytes: [UInt8] = []
        while !recorder.flush(timeout: .milliseconds(20)) { bytes += out.read() }
        bytes += out.read()
        let lines = bytes.split(separator: 0x0A)
        let audits = lines.filter { $0.first == UInt8(ascii: "{") }
        #expect(audits.count == 100)
        #expect(lines.count - audits.count == 2000 - Int(droppedBefore))
        #expect(lines.allSatisfy { $0.first == UInt8(ascii: "{") || $0.count == 999 })
    }

    @Test func diagnosticsGoOnWhileRecordsStall() {
        let (out, err) = (Pipe(), Pipe())
        let recorder = Recorder(output: out.writeEnd, diagnostics: err.writeEnd, capacity: 256 << 10, clock: clock)
        for _ in 0..<1000 { recorder.access([UInt8](repeating: 0x61, count: 1000)) }
        recorder.log(.error, "still here")
        #expect(!recorder.flush(timeout: .milliseconds(1)))
        var ready = pollfd(fd: err.readEnd, events: Int16(POLLIN), revents: 0)
        #expect(poll(&ready, 1, 20_000) == 1)
        #expect(err.lines().count == 1)
        while !recorder.flush(timeout: .milliseconds(20)) { _ = out.read() }
    }

    @Test func aReaderThatIsGoneKillsNobody() {
        let (out, err) = (Pipe(), Pipe())
        let gone = dup(out.writeEnd)
        let recorder = Recorder(output: gone, diagnostics: err.writeEnd, clock: clock)
        // Both ends of this pipe go when `out` does, but for our copy of the write end.
        closeReadEnd(out)
        recorder.access(Array("one".utf8))
        #expect(recorder.flush(timeout: .seconds(20)))
        recorder.access(Array("two".utf8))
        #expect(recorder.flush(timeout: .seconds(20)))
        #expect(recorder.dropped == 2)
        close(gone)
    }

    private func closeReadEnd(_ pipe: Pipe) {
        let null = open("/dev/null", O_RDONLY)
        dup2(null, pipe.readEnd)
        close(null)
    }

    @Test func aDescriptorThatDoesNotBlockIsWaitedFor() {
        let (out, err) = (Pipe(), Pipe())
        _ = fcntl(out.writeEnd, F_SETFL, fcntl(out.writeEnd, F_GETFL) | O_NONBLOCK)
        let recorder = Recorder(output: out.writeEnd, diagnostics: err.writeEnd, clock: clock)
        for _ in 0..<300 { recorder.access([UInt8](repeating: 0x61, count: 999)) }
        var bytes = 0
        while !recorder.flush(timeout: .milliseconds(20)) { bytes += out.read().count }
        bytes += out.read().count
        #expect(bytes == 300_000)
        #expect(recorder.dropped == 0)
    }

    @Test func manyThreadsWriteWholeLines() async {
        let (out, err) = (Pipe(), Pipe())
        let recorder = Recorder(output: out.writeEnd, diagnostics: err.writeEnd, clock: clock)
        await withTaskGroup(of: Void.self) { group in
            for worker in 0..<4 {
                group.addTask {
                    let line = [UInt8](repeating: UInt8(0x61 + worker), count: 30)
                    for _ in 0..<100 { recorder.access(line) }
                }
            }
        }
        var bytes: [UInt8] = []
        while !recorder.flush(timeout: .milliseconds(20)) { bytes += out.read() }
        bytes += out.read()
        let lines = bytes.split(separator: 0x0A)
        #expect(lines.count == 400)
        #expect(lines.allSatisfy { $0.count == 30 && Set($0).count == 1 })
    }
}

@Suite struct LineQueueTests {
    private func add(_ queue: inout LineQueue, _ text: String, _ lane: LineQueue.Lane) -> Bool { queue.add(Array(text.utf8).span, lane) }

    @Test func urgentLinesGoFirstAndHaveRoomOfTheirOwn() {
        var queue = LineQueue(capacity: 8)
        let added = [
            add(&queue, "abc", .ordinary), add(&queue, "def\n", .ordinary), add(&queue, "x", .ordinary), add(&queue, "", .urgent),
            add(&queue, "ghi", .urgent),
        ]
        #expect(added == [true, false, false, false, false])
        #expect(queue.dropped == 1)
        var taken: [UInt8] = []
        queue.take(&taken)
        #expect(taken == Array("ghi\n".utf8))
        queue.take(&taken)
        #expect(taken == Array("abc\ndef\n".utf8))
        queue.take(&taken)
        #expect(taken.isEmpty && queue.isEmpty)
    }

    @Test func piecesEndBehindALine() {
        let bytes = Array("aa\nbbb\ncccccccccc\n".utf8)
        #expect(LineQueue.pieceEnd(bytes, from: 0, limit: 100) == bytes.count)
        #expect(LineQueue.pieceEnd(bytes, from: 0, limit: 8) == 7)
        #expect(LineQueue.pieceEnd(bytes, from: 7, limit: 8) == 15, "a line that is longer than a piece is cut")
    }
}
