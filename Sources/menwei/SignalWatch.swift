import CLinux
import EventLoop

/// Signals as events of the main loop. They are blocked before any other thread starts, so that no other thread gets them.
final class SignalWatch: PollHandler {
    private let descriptor: Descriptor
    private let heard: (Int32) -> Void

    init(_ signals: [Int32], on loop: EventLoop, _ heard: @escaping (Int32) -> Void) throws(SystemError) {
        let raw = unsafe menwei_signalfd(signals, Int32(signals.count))
        if raw < 0 { throw SystemError("signalfd", errno: -raw) }
        descriptor = Descriptor(owning: raw)
        self.heard = heard
        super.init()
        try loop.watch(descriptor.raw, for: .readable, self)
    }

    /// Keeps signals waiting until a watch is there to hear them. Called before the first thread starts: a thread inherits what is held back, and
    /// one that does not hold SIGTERM back dies of it, with the whole process.
    static func hold(_ signals: [Int32]) {
        let raw = unsafe menwei_signalfd(signals, Int32(signals.count))
        if raw >= 0 { _ = Descriptor(owning: raw) }
    }

    override func ready(_ readiness: Readiness) {
        while true {
            let signal = menwei_signalfd_read(descriptor.raw)
            if signal == 0 { return }
            heard(signal)
        }
    }
}
