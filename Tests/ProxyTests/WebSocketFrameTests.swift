import Testing

@testable import Proxy

/// A frame of `count` bytes of payload (RFC 6455 section 5.2).
private func frame(_ count: Int, masked: Bool, long: Bool = false) -> [UInt8] {
    let mask: UInt8 = masked ? 0x80 : 0
    var bytes: [UInt8] = [0x82]
    if count < 126 && !long {
        bytes.append(mask | UInt8(count))
    } else if count < 65536 && !long {
        bytes += [mask | 126, UInt8(count >> 8), UInt8(count & 0xFF)]
    } else {
        bytes.append(mask | 127)
        for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: count >> shift)) }
    }
    if masked { bytes += [1, 2, 3, 4] }
    return bytes + [UInt8](repeating: 0x88, count: count)
}

@Suite struct WebSocketFrameTests {
    @Test func aFrameMayClaimTwoToThe64LessOneBytes() {
        for masked in [UInt8(0), 0x80] {
            var cursor = WebSocketFrameCursor()
            let head = [0x82, masked | 127] + [UInt8](repeating: 0xFF, count: 8) + [UInt8](repeating: 1, count: masked == 0 ? 0 : 4)
            #expect(cursor.advance(over: head.span, stopAtBoundary: false) == head.count)
            for _ in 0..<3 { #expect(cursor.advance(over: [UInt8](repeating: 0, count: 70000).span, stopAtBoundary: true) == 70000) }
            #expect(!cursor.isAtBoundary)
        }
    }

    @Test func boundariesAreFoundHoweverTheBytesAreCut() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var stream: [UInt8] = []
            var borders: Set<Int> = [0]
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                let count = [0, 1, 2, 125, 126, 127, 300, 65535, 65536].randomElement(using: &random)!
                stream += frame(count, masked: .random(using: &random), long: .random(using: &random))
                borders.insert(stream.count)
            }
            var cursor = WebSocketFrameCursor()
            var at = 0
            while at < stream.count {
                let step = Int.random(in: 1...max(1, min(stream.count - at, 70000)), using: &random)
                let part = Array(stream[at..<at + step])
                let moved = cursor.advance(over: part.span, stopAtBoundary: false)
                #expect(moved == step)
                at += step
                #expect(cursor.isAtBoundary == borders.contains(at))
            }
        }
    }

    @Test func whoIsAskedToStopsAtTheNextBoundaryAndNotBefore() {
        let first = frame(10, masked: false), second = frame(20, masked: false)
        let stream = first + second
        var cursor = WebSocketFrameCursor()
        let none = cursor.advance(over: stream.span, stopAtBoundary: true)
        #expect(none == 0)
        let some = cursor.advance(over: Array(stream[..<5]).span, stopAtBoundary: false)
        #expect(some == 5)
        let rest = cursor.advance(over: Array(stream[5...]).span, stopAtBoundary: true)
        #expect(rest == first.count - 5)
        #expect(cursor.isAtBoundary)
    }

    @Test func theLongestFrameThatCanBeAnnouncedEndsNowhere() {
        var cursor = WebSocketFrameCursor()
        let head: [UInt8] = [0x82, 0x7F] + [UInt8](repeating: 0xFF, count: 8)
        let ofHead = cursor.advance(over: head.span, stopAtBoundary: false)
        #expect(ofHead == 10)
        let bytes = [UInt8](repeating: 0, count: 1000)
        let ofPayload = cursor.advance(over: bytes.span, stopAtBoundary: true)
        #expect(ofPayload == 1000)
        #expect(!cursor.isAtBoundary)
    }

    @Test func closeFramesCarryTheirCode() {
        #expect(WebSocketCloseCode.goingAway.frame == [0x88, 2, 0x03, 0xE9])
        #expect(WebSocketCloseCode.policyViolation.frame == [0x88, 2, 0x03, 0xF0])
    }
}
