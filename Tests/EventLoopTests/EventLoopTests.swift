import Bytes
import Glibc
import Testing

@testable import EventLoop

/// Holds what has no copies for as long as a test's closures need it.
private final class Box {
    var descriptors: [Int32] = []
    var handlers: [Handler] = []
    var timers: [LoopTimer] = []
    var log: [String] = []
    var queue = ByteQueue()
    func take(_ descriptor: Int32) -> Int32 {
        descriptors.append(descriptor)
        return descriptor
    }
    deinit { for descriptor in descriptors { close(descriptor) } }
}

@Suite(.timeLimit(.minutes(5))) struct EventLoopTests {
    @Test func workPostedFromAnotherThreadWakesASleepingLoop() async throws {
        let ran = try await onLoop { loop in
            let mailbox = loop.mailbox
            let stop = LoopBound(loop)
            let thread = NamedThread.current
            try NamedThread.start("poster") { mailbox.post { stop.value.stop() } }
            return { NamedThread.current == thread }
        }
        #expect(ran)
    }

    @Test func workIsRunInTheOrderInWhichItWasPosted() async throws {
        let order = try await onLoop { loop in
            let box = Box()
            let bound = LoopBound(box)
            let stop = LoopBound(loop)
            for i in 0..<100 { loop.mailbox.post { bound.value.log.append("\(i)") } }
            loop.mailbox.post { stop.value.stop() }
            return { box.log }
        }
        #expect(order == (0..<100).map { "\($0)" })
    }

    @Test func aTaskThatBeganOnALoopResumesOnItsThread() async throws {
        actor Elsewhere { func thread() -> UInt64 { NamedThread.current } }
        let threads = try await onLoop { loop in
            let box = Box()
            let elsewhere = Elsewhere()
            loop.spawn {
                box.log.append("\(NamedThread.current)")
                let other = await elsewhere.thread()
                box.log.append("\(NamedThread.current)")
                box.log.append("\(other)")
                await Task.yield()
                box.log.append("\(NamedThread.current)")
                loop.stop()
            }
            let own = "\(NamedThread.current)"
            return { (own, box.log) }
        }
        #expect(threads.1.count == 4)
        #expect(threads.1[0] == threads.0 && threads.1[1] == threads.0 && threads.1[3] == threads.0)
    }

    @Test func workThatPostsItselfAgainDoesNotKeepDescriptorsWaiting() async throws {
        let read = try await onLoop { loop in
            let box = Box()
            let (near, far) = try socketPair()
            let (reader, writer) = (box.take(near), box.take(far))
            let handler = Handler()
            box.handlers = [handler]
            handler.onReady = { _ in loop.stop() }
            try loop.watch(reader, for: .readable, handler)
            let bound = LoopBound(loop)
            @Sendable func again() { bound.value.mailbox.post { again() } }
            again()
            write(writer, "x", 1)
            return { withExtendedLifetime(box) { true } }
        }
        #expect(read)
    }

    @Test func aHandlerForgottenInATurnHearsNothingMoreInIt() async throws {
        let log = try await onLoop { loop in
            let box = Box()
            // Both are readable in the same turn; whoever is told first forgets the other, and gives its place to a third.
            for _ in 0..<2 {
                let (near, far) = try socketPair()
                let (reader, writer) = (box.take(near), box.take(far))
                let handler = Handler()
                box.handlers.append(handler)
                let number = box.handlers.count
                try loop.watch(reader, for: .readable, handler)
                handler.onReady = { _ in
                    box.log.append("ready")
                    let other = box.handlers[number == 1 ? 1 : 0]
                    loop.forget(other)
                    guard box.handlers.count == 2, let (third, end) = try? socketPair() else { return loop.stop() }
                    let fresh = Handler()
                    fresh.onReady = { _ in box.log.append("wrong") }
                    box.handlers.append(fresh)
                    _ = box.take(end)
                    try? loop.watch(box.take(third), for: .readable, fresh)
                    loop.mailbox.post { [bound = LoopBound(loop)] in bound.value.stop() }
                }
                write(writer, "x", 1)
            }
            return { box.log }
        }
        #expect(log == ["ready"])
    }

    @Test func flushComesOnceATurnHoweverOftenItWasAskedFor() async throws {
        let flushes = try await onLoop { loop in
            let box = Box()
            let handler = Handler()
            box.handlers = [handler]
            handler.onFlush = { box.log.append("flush") }
            let timer = LoopTimer { loop.stop() }
            box.timers = [timer]
            let bound = LoopBound((loop, handler, timer))
            loop.mailbox.post {
                let (loop, handler, timer) = bound.value
                for _ in 0..<5 { loop.flushSoon(handler) }
                loop.schedule(timer, after: 0)
            }
            return { box.log.count }
        }
        #expect(flushes == 1)
    }

    @Test func whoGathersIsFlushedAtTheEndOfTheTurnAndTheOthersAfterTheirEvent() async throws {
        let log = try await onLoop { loop in
            let box = Box()
            for number in 0..<2 {
                let (near, far) = try socketPair()
                let (reader, writer) = (box.take(near), box.take(far))
                let handler = Handler(), shared = Handler()
                shared.gathers = true
                box.handlers += [handler, shared]
                handler.onFlush = { box.log.append("flush \(number)") }
                shared.onFlush = {
                    box.log.append("end \(number)")
                    if box.log.count == 6 { loop.stop() }
                }
                handler.onReady = { [unowned handler, unowned shared] _ in
                    box.log.append("event \(number)")
                    loop.setInterest([], of: handler)
                    loop.flushSoon(shared)
                    loop.flushSoon(handler)
                }
                try loop.watch(reader, for: .readable, handler)
                write(writer, "x", 1)
            }
            return { box.log }
        }
        #expect(log == ["event 0", "flush 0", "event 1", "flush 1", "end 0", "end 1"])
    }

    @Test func aTimerMayFreeTheOwnerOfAnotherThatIsDueWithIt() async throws {
        final class Owner {
            var timer: LoopTimer?
            var other: Owner?
            let loop: EventLoop
            init(_ loop: EventLoop) {
                self.loop = loop
                timer = LoopTimer { [unowned self] in passed() }
            }
            func passed() {
                if let gone = other?.timer { loop.cancel(gone) }
                other = nil
            }
        }
        let done = try await onLoop { loop in
            let first = Owner(loop)
            first.other = Owner(loop)
            let end = LoopTimer { loop.stop() }
            loop.schedule(first.timer!, after: 0)
            loop.schedule(first.other!.timer!, after: TimerWheel.tick)
            loop.schedule(end, after: 3 * TimerWheel.tick)
            // The loop is late: both are due in its first turn.
            let start = loop.clock()
            while loop.clock().since(start) < 3 * TimerWheel.tick {}
            return { withExtendedLifetime((first, end)) { first.other == nil } }
        }
        #expect(done)
    }
}

@Suite(.timeLimit(.minutes(5))) struct SocketTests {
    @Test func bytesPassBetweenAListenerAndAConnectionAndTheEndIsSeen() throws {
        let listener = try Sockets.listen(on: SocketAddress(bytes: [127, 0, 0, 1], port: 0), shared: false)
        let bound = Sockets.localAddress(of: listener)
        let address = try #require(bound)
        let isQuiet = try Sockets.accept(listener) == nil
        #expect(isQuiet)
        let client = try Sockets.connect(to: address)
        var taken: Accepted?
        for _ in 0..<500_000 where taken == nil {
            taken = try Sockets.accept(listener)
            sched_yield()
        }
        guard let accepted = taken.take() else {
            Issue.record("nobody came")
            return
        }
        #expect(accepted.address.host == "127.0.0.1")
        let server = accepted.takeSocket()
        // Inherited from the listener.
        var value: Int32 = 0
        var size = socklen_t(4)
        getsockopt(server.raw, Int32(IPPROTO_TCP), TCP_NODELAY, &value, &size)
        #expect(value != 0)
        getsockopt(server.raw, Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, &value, &size)
        #expect(value == 128 << 10)
        var queue = ByteQueue()
        var transfer = Sockets.read(server, into: &queue, minimum: 16)
        #expect(transfer == .wouldBlock)
        var quiet = Sockets.isQuiet(server)
        #expect(quiet)
        transfer = Sockets.write(client, Array("hello".utf8).span)
        #expect(transfer == .moved(5))
        repeat { transfer = Sockets.read(server, into: &queue, minimum: 16) } while transfer == .wouldBlock
        #expect(transfer == .moved(5))
        Sockets.shutdownWrite(client)
        repeat { transfer = Sockets.read(server, into: &queue, minimum: 16) } while transfer == .wouldBlock
        #expect(transfer == .ended)
        quiet = Sockets.isQuiet(server)
        #expect(!quiet)
    }

    @Test func aPortThatIsTakenIsAnError() throws {
        let first = try Sockets.listen(on: SocketAddress(bytes: [127, 0, 0, 1], port: 0), shared: false)
        let bound = Sockets.localAddress(of: first)
        let address = try #require(bound)
        do {
            _ = try Sockets.listen(on: address, shared: false)
            Issue.record("the port was free")
        } catch {
            #expect(error == SystemError("bind", errno: EADDRINUSE))
        }
    }

    @Test func addressesAreReadAndWrittenAsLiterals() {
        #expect(SocketAddress(literal: "127.0.0.1", port: 80)?.description == "127.0.0.1:80")
        #expect(SocketAddress(literal: "::1", port: 443)?.description == "[::1]:443")
        #expect(SocketAddress(literal: "localhost", port: 1) == nil)
        #expect(SocketAddress(literal: "1.2.3", port: 1) == nil)
    }

    @Test func localhostResolves() {
        let found = SocketAddress.resolve("localhost", port: 7)
        #expect(!found.isEmpty && found.allSatisfy { $0.port == 7 })
        #expect(SocketAddress.resolve("no such host", port: 7).isEmpty)
    }
}
