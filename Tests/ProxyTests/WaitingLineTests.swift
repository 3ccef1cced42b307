import Testing

@testable import Proxy

@Suite struct WaitingLineTests {
    private static func guests(_ line: WaitingLine<Int>) -> [Int] {
        var line = line
        var guests: [Int] = []
        while let first = line.first {
            guests.append(first.guest)
            line.leave(first)
        }
        return guests
    }

    @Test func whoCameFirstIsFirst() {
        var line = WaitingLine<Int>()
        for guest in 1...4 { _ = line.join(guest) }
        #expect(line.count == 4 && Self.guests(line) == [1, 2, 3, 4])
    }

    @Test(arguments: [[0], [3], [1, 2], [0, 3], [2, 1, 0], [3, 2, 1, 0]])
    func anyoneMayLeave(_ leaving: [Int]) {
        var line = WaitingLine<Int>()
        let places = (0..<4).map { line.join($0) }
        for index in leaving { line.leave(places[index]) }
        #expect(line.count == 4 - leaving.count)
        _ = line.join(9)
        #expect(Self.guests(line) == (0..<4).filter { !leaving.contains($0) } + [9])
    }

    @Test func leavingTwiceIsLeavingOnce() {
        var line = WaitingLine<Int>()
        let place = line.join(1)
        _ = line.join(2)
        let left = [line.leave(place), line.leave(place)]
        #expect(left == [true, false] && line.count == 1)
    }
}
