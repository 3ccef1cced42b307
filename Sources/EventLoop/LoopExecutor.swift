/// Runs the async tasks that began on a loop on that loop's thread, so that code which waits for others keeps to the same data as the
/// synchronous data plane and needs no lock.
public final class LoopExecutor: TaskExecutor {
    private let mailbox: Mailbox

    init(_ mailbox: Mailbox) { self.mailbox = mailbox }

    public func enqueue(_ job: consuming ExecutorJob) { mailbox.put(.job(UnownedJob(job))) }
}
