import Testing

@testable import EventLoop

/// Writes down which timers fired.
private final class Log {
    var fired: [Int] = []
    func timer(_ number: Int) -> LoopTimer { LoopTimer { self.fired.append(number) } }
}

private let tick = TimerWheel.tick

extension TimerWheel {
    fileprivate mutating func run(to now: UInt64) {
        var due: [LoopTimer] = []
        advance(to: now, into: &due)
        for timer in due { timer.fireIfDue() }
    }
}

@Suite struct TimerWheelTests {
    @Test func noTimerFiresEarlyAndNoneMoreThanOneTickLate() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20 {
            let start = UInt64.random(in: 0...1 << 50, using: &random)
            var wheel = TimerWheel(now: start)
            var now = start
            var deadlines: [ObjectIdentifier: UInt64] = [:]
            var timers: [LoopTimer] = []
            for _ in 0..<50 {
                let timer = LoopTimer {}
                timers.append(timer)
                let deadline = start + UInt64.random(in: 0...3000 * tick, using: &random)
                deadlines[ObjectIdentifier(timer)] = deadline
                wheel.schedule(timer, at: deadline)
            }
            var left = timers.count
            while left > 0 {
                let before = now
                now += UInt64.random(in: 1...4 * tick, using: &random)
                var due: [LoopTimer] = []
                wheel.advance(to: now, into: &due)
                for timer in due {
                    let deadline = deadlines[ObjectIdentifier(timer)]!
                    #expect(deadline <= now)
                    #expect(before < deadline + tick + tick)
                }
                left -= due.count
            }
            #expect(wheel.count == 0)
        }
    }

    @Test func timersThatAreMovedAgainAndAgainFireAtTheirLastDeadline() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<20 {
            let start = UInt64.random(in: 0...1 << 50, using: &random)
            var wheel = TimerWheel(now: start)
            var (now, before) = (start, start)
            var deadlines: [UInt64?] = Array(repeating: nil, count: 30)
            let timers = deadlines.map { _ in LoopTimer {} }
            var fired = 0
            for _ in 0..<4000 {
                let number = Int.random(in: timers.indices, using: &random)
                // Within a round of the wheel, and several rounds away.
                let deadline = now + UInt64.random(in: 0...(Bool.random(using: &random) ? 900 : 4000) * tick, using: &random)
                wheel.schedule(timers[number], at: deadline)
                deadlines[number] = deadline
                (before, now) = (now, now + UInt64.random(in: 1...(Int.random(in: 0..<50, using: &random) == 0 ? 1500 : 6) * tick, using: &random))
                var due: [LoopTimer] = []
                wheel.advance(to: now, into: &due)
                for timer in due {
                    let index = timers.firstIndex { $0 === timer }!
                    #expect(deadlines[index]! <= now && before < deadlines[index]! + 2 * tick)
                    deadlines[index] = nil
                    fired += 1
                }
                #expect(deadlines.allSatisfy { $0 == nil || $0! + 2 * tick > now })
            }
            #expect(fired > 100)
        }
    }

    @Test func timersFireInTheOrderOfTheirTicks() {
        let log = Log()
        var wheel = TimerWheel(now: 0)
        let timers = (0..<10).map(log.timer)
        for (number, timer) in timers.enumerated().reversed() { wheel.schedule(timer, at: UInt64(number) * 3 * tick) }
        for step in 1...40 { wheel.run(to: UInt64(step) * tick) }
        #expect(log.fired == Array(0..<10))
    }

    @Test func aTimerMovedLaterFiresOnlyThen() {
        let log = Log()
        var wheel = TimerWheel(now: 0)
        let timer = log.timer(1)
        wheel.schedule(timer, at: 2 * tick)
        wheel.schedule(timer, at: 2000 * tick)
        for step in 1...1999 { wheel.run(to: UInt64(step) * tick) }
        #expect(log.fired.isEmpty && timer.isScheduled)
        wheel.run(to: 2001 * tick)
        #expect(log.fired == [1] && !timer.isScheduled)
    }

    @Test func aTimerMovedEarlierFiresEarlier() {
        let log = Log()
        var wheel = TimerWheel(now: 0)
        let timer = log.timer(1)
        wheel.schedule(timer, at: 500 * tick)
        wheel.schedule(timer, at: 3 * tick)
        wheel.run(to: 5 * tick)
        #expect(log.fired == [1])
        wheel.run(to: 600 * tick)
        #expect(log.fired == [1])
    }

    @Test func aStoppedTimerNeverFires() {
        let log = Log()
        var wheel = TimerWheel(now: 0)
        let timers = (0..<3).map(log.timer)
        // All in one list: first, middle and last of it.
        for timer in timers { wheel.schedule(timer, at: 7 * tick) }
        wheel.cancel(timers[1])
        wheel.cancel(timers[1])
        wheel.run(to: 9 * tick)
        #expect(Set(log.fired) == [0, 2])
        #expect(wheel.count == 0)
    }

    @Test func afterALongSleepEverythingThatIsDueFiresOnce() {
        let log = Log()
        var wheel = TimerWheel(now: 0)
        let timers = (0..<3000).map(log.timer)
        for (number, timer) in timers.enumerated() { wheel.schedule(timer, at: UInt64(number) * tick) }
        wheel.run(to: 2000 * tick)
        #expect(log.fired.count >= 1999 && log.fired.allSatisfy { $0 <= 2000 })
        wheel.run(to: 1_000_000 * tick)
        #expect(log.fired.sorted() == Array(0..<3000))
        #expect(wheel.count == 0)
    }

    @Test func sleepEndsNoLaterThanTheNextTimerAndIsEndlessWithoutOne() {
        var wheel = TimerWheel(now: 0)
        #expect(wheel.sleep(from: 0) == nil)
        let timer = LoopTimer {}
        wheel.schedule(timer, at: 10 * tick)
        let sleep = wheel.sleep(from: 0)
        #expect(sleep == 11 * tick)
        #expect(wheel.sleep(from: 50 * tick) == 0)
        wheel.cancel(timer)
        #expect(wheel.sleep(from: 0) == nil)
    }

    @Test func sleepFindsTheNextTimerWhereverTheWheelStands() {
        for start in [0, 1, 62, 63, 64, 500, 1022, 1023, 1024, 5000] as [UInt64] {
            for ahead in [1, 2, 60, 63, 64, 65, 511, 1000, 1021] as [UInt64] {
                var wheel = TimerWheel(now: start * tick)
                let timer = LoopTimer {}
                wheel.schedule(timer, at: (start + ahead) * tick)
                #expect(wheel.sleep(from: start * tick) == (ahead + 1) * tick)
                wheel.cancel(timer)
                #expect(wheel.sleep(from: start * tick) == nil)
            }
        }
    }

    @Test func whatFiresFirstMayStopWhatIsDueWithIt() {
        var fired: [Int] = []
        var wheel = TimerWheel(now: 0)
        let second = LoopTimer { fired.append(2) }
        let third = LoopTimer { fired.append(3) }
        wheel.schedule(second, at: 2 * tick)
        wheel.schedule(third, at: 3 * tick)
        var due: [LoopTimer] = []
        wheel.advance(to: 10 * tick, into: &due)
        #expect(due.count == 2)
        wheel.cancel(second)
        wheel.schedule(third, at: 20 * tick)
        for timer in due { timer.fireIfDue() }
        #expect(fired.isEmpty)
        wheel.run(to: 22 * tick)
        #expect(fired == [3])
    }

    @Test func theFarthestDeadlineDoesNotOverflow() {
        var wheel = TimerWheel(now: .max / 2)
        let timer = LoopTimer {}
        wheel.schedule(timer, at: .max - TimerWheel.tick)
        wheel.run(to: .max / 2 + 5000 * tick)
        #expect(timer.isScheduled)
    }
}
