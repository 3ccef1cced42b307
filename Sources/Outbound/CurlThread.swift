import Bytes
import CCurl
import Glibc

/// The thread's own state: the multi handle and the transfers on it. It is made, used and freed on the thread alone.
@safe final class CurlThread {
    private let multi: UnsafeMutableRawPointer
    private let queue: CallQueue
    private let options: CurlCaller.Options
    private var transfers: [UInt64: CurlTransfer] = [:]

    private static let isReady: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    /// Serves the queue until it is closed.
    static func run(_ queue: CallQueue, _ options: CurlCaller.Options) {
        blockSignals()
        if let thread = CurlThread(queue, options) { thread.serve() }
        // Whatever ended the service, nobody may wait for ever.
        queue.close()
        if case .closed(let calls) = queue.take() {
            for call in calls { queue.answer(call, .failure(OutboundFailure(.aborted))) }
        }
    }

    /// SIGPIPE, which TLS can raise on a connection that broke, must not end the process; all others are for the thread that waits for them.
    private static func blockSignals() {
        var all = sigset_t()
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, nil)
    }

    private init?(_ queue: CallQueue, _ options: CurlCaller.Options) {
        guard Self.isReady, let multi = unsafe curl_multi_init() else { return nil }
        unsafe self.multi = multi
        self.queue = queue
        self.options = options
        unsafe menwei_curl_multi_set_long(multi, CURLMOPT_MAX_HOST_CONNECTIONS, options.connectionsPerHost)
        unsafe menwei_curl_multi_set_long(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, options.connectionsPerHost * 4)
        unsafe menwei_curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, options.connectionsPerHost)
    }

    deinit { unsafe curl_multi_cleanup(multi) }

    private func serve() {
        while true {
            switch queue.take() {
            case .calls(let calls):
                for call in calls { start(call) }
            case .closed(let calls):
                for call in calls { queue.answer(call, .failure(OutboundFailure(.aborted))) }
                for transfer in transfers.values { end(transfer, .failure(OutboundFailure(.aborted))) }
                return
            }
            var running: Int32 = 0
            guard unsafe curl_multi_perform(multi, &running) == CURLM_OK else { return abort() }
            finishTransfers()
            // libcurl shortens the wait to its own next time limit.
            var watch = curl_waitfd()
            watch.fd = queue.pipe.readEnd
            watch.events = Int16(CURL_WAIT_POLLIN)
            guard unsafe curl_multi_poll(multi, &watch, 1, 60_000, nil) == CURLM_OK else { return abort() }
        }
    }

    private func abort() {
        for transfer in transfers.values { end(transfer, .failure(OutboundFailure(.aborted))) }
    }

    private func start(_ call: CallQueue.Call) {
        guard let transfer = CurlTransfer(call, options) else {
            return queue.answer(call, .failure(OutboundFailure(.badRequest)))
        }
        transfers[call.number] = transfer
        guard unsafe curl_multi_add_handle(multi, transfer.easy) == CURLM_OK else {
            transfers[call.number] = nil
            return queue.answer(call, .failure(OutboundFailure(.aborted)))
        }
    }

    private func finishTransfers() {
        var left: Int32 = 0
        while let message = unsafe curl_multi_info_read(multi, &left) {
            guard unsafe message.pointee.msg == CURLMSG_DONE, let easy = unsafe menwei_curl_message_easy(message) else { continue }
            let result = unsafe menwei_curl_message_result(message)
            var mark: UnsafeMutableRawPointer?
            unsafe menwei_curl_get_pointer(easy, CURLINFO_PRIVATE, &mark)
            guard let transfer = transfers[UInt64(UInt(bitPattern: mark))] else { continue }
            end(transfer, transfer.outcome(of: result))
        }
    }

    private func end(_ transfer: CurlTransfer, _ answer: CallQueue.Answer) {
        unsafe curl_multi_remove_handle(multi, transfer.easy)
        transfers[transfer.call.number] = nil
        queue.answer(transfer.call, answer)
    }
}
