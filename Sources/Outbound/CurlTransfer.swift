import Bytes
import CCurl

/// One call under way: owns its easy handle and header list, and collects the answer. Lives on the curl thread alone.
@safe final class CurlTransfer {
    /// Only for `curl_multi_add_handle` and `curl_multi_remove_handle`; it must be off the multi handle when this object goes.
    let easy: UnsafeMutableRawPointer
    let call: CallQueue.Call
    private let bodyLimit: Int
    private let headerLimit: Int
    private var header: UnsafeMutablePointer<curl_slist>?
    private var places: UnsafeMutablePointer<curl_slist>?
    private var body: [UInt8] = []
    private var headerBytes = 0
    private var isTooLarge = false

    /// nil where libcurl refuses an option (a URL with a NUL, say) or memory.
    init?(_ call: CallQueue.Call, _ options: CurlCaller.Options) {
        guard let easy = unsafe curl_easy_init() else { return nil }
        unsafe self.easy = easy
        self.call = call
        bodyLimit = options.bodyLimit
        headerLimit = options.headerLimit
        guard setUp(call.request, options) else { return nil }
    }

    deinit {
        unsafe curl_easy_cleanup(easy)
        unsafe curl_slist_free_all(header)
        unsafe curl_slist_free_all(places)
    }

    /// What the caller gets once libcurl is done.
    func outcome(of result: CURLcode) -> CallQueue.Answer {
        guard result == CURLE_OK else {
            return .failure(OutboundFailure(isTooLarge ? .tooLarge : Self.reason(of: result), code: Int(result.rawValue)))
        }
        var status = 0
        unsafe menwei_curl_get_long(easy, CURLINFO_RESPONSE_CODE, &status)
        guard 200...599 ~= status else { return .failure(OutboundFailure(.malformed)) }
        return .success(OutboundResponse(status: status, body: body))
    }

    private func setUp(_ request: OutboundRequest, _ options: CurlCaller.Options) -> Bool {
        // libcurl would guess a scheme that is missing.
        let scheme = request.url.prefix { $0 != ":" }.lowercased()
        guard scheme == "https" || scheme == "http", request.url.dropFirst(scheme.count).hasPrefix("://"),
            !request.url.utf8.contains(0), set(CURLOPT_URL, request.url),
            set(CURLOPT_PROTOCOLS_STR, "http,https"),
            set(CURLOPT_FOLLOWLOCATION, 0),
            set(CURLOPT_USERAGENT, options.userAgent),
            set(CURLOPT_NOSIGNAL, 1),
            // A name lookup that hangs must not hold up the thread once its call has timed out.
            set(CURLOPT_QUICK_EXIT, 1),
            set(CURLOPT_TIMEOUT_MS, Self.milliseconds(request.timeout)),
            set(CURLOPT_CONNECTTIMEOUT_MS, Self.milliseconds(request.connectTimeout)),
            set(CURLOPT_SSL_VERIFYPEER, options.acceptsAnyCertificate ? 0 : 1),
            set(CURLOPT_SSL_VERIFYHOST, options.acceptsAnyCertificate ? 0 : 2),
            // An Expect header would cost a round trip.
            addHeader("Expect:"), addHeader("Accept: application/json")
        else { return false }
        if let bundle = options.additionalCA {
            guard set(CURLOPT_CAINFO, bundle) else { return false }
        }
        if !options.usesEnvironmentProxy {
            guard set(CURLOPT_PROXY, "") else { return false }
        }
        if let place = request.connectTo {
            unsafe places = curl_slist_append(nil, "::" + place)
            guard unsafe places != nil, unsafe menwei_curl_set_list(easy, CURLOPT_CONNECT_TO, places) == CURLE_OK else { return false }
        }
        if request.method == .post {
            guard set(CURLOPT_POST, 1), setBody(request.body), addHeader("Content-Type: " + request.contentType) else { return false }
        }
        guard unsafe menwei_curl_set_list(easy, CURLOPT_HTTPHEADER, header) == CURLE_OK else { return false }
        return setSinks()
    }

    private func setSinks() -> Bool {
        // Not retained: the thread keeps this object as long as the handle is at work.
        let me = unsafe Unmanaged.passUnretained(self).toOpaque()
        return unsafe menwei_curl_set_pointer(easy, CURLOPT_PRIVATE, UnsafeMutableRawPointer(bitPattern: UInt(call.number))) == CURLE_OK
            && menwei_curl_set_pointer(easy, CURLOPT_WRITEDATA, me) == CURLE_OK
            && menwei_curl_set_pointer(easy, CURLOPT_HEADERDATA, me) == CURLE_OK
            && menwei_curl_set_write(
                easy,
                { bytes, size, count, context in
                    guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
                    let part = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
                    return unsafe Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue().take(part)
                }) == CURLE_OK
            && menwei_curl_set_header(
                easy,
                { _, size, count, context in
                    guard let context = unsafe context else { return 0 }
                    return unsafe Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue().count(header: size * count)
                }) == CURLE_OK
    }

    /// A part of the body; anything but its count makes libcurl give up.
    private func take(_ part: UnsafeRawBufferPointer) -> Int {
        guard part.count <= bodyLimit - body.count else {
            isTooLarge = true
            return -1
        }
        unsafe body.append(contentsOf: part)
        return part.count
    }

    private func count(header bytes: Int) -> Int {
        guard bytes <= headerLimit - headerBytes else {
            isTooLarge = true
            return -1
        }
        headerBytes += bytes
        return bytes
    }

    private func set(_ option: CURLoption, _ value: Int) -> Bool { unsafe menwei_curl_set_long(easy, option, value) == CURLE_OK }
    /// libcurl copies the text.
    private func set(_ option: CURLoption, _ text: String) -> Bool { unsafe menwei_curl_set_string(easy, option, text) == CURLE_OK }

    private func setBody(_ body: [UInt8]) -> Bool {
        guard set(CURLOPT_POSTFIELDSIZE, body.count) else { return false }
        // Without any pointer libcurl would read the body from standard input.
        if body.isEmpty { return set(CURLOPT_COPYPOSTFIELDS, "") }
        var body = body
        return unsafe body.withUnsafeMutableBytes { unsafe menwei_curl_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, $0.baseAddress) } == CURLE_OK
    }

    private func addHeader(_ line: String) -> Bool {
        guard let longer = unsafe curl_slist_append(header, line) else { return false }
        unsafe header = longer
        return true
    }

    /// At least 1, since 0 means no limit to libcurl; at most an hour.
    private static func milliseconds(_ duration: Duration) -> Int {
        Int(min(max(duration, .milliseconds(1)), .seconds(3600)).milliseconds)
    }

    private static func reason(of result: CURLcode) -> OutboundFailure.Reason {
        switch result {
        case CURLE_OPERATION_TIMEDOUT: .timeout
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_CACERT_BADFILE,
            CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED, CURLE_USE_SSL_FAILED:
            .tls
        case CURLE_URL_MALFORMAT, CURLE_BAD_FUNCTION_ARGUMENT: .badRequest
        // The scheme was looked at before: here it is an answer without a status line (HTTP/0.9).
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_BAD_CONTENT_ENCODING, CURLE_WRITE_ERROR: .malformed
        case CURLE_FILESIZE_EXCEEDED: .tooLarge
        case CURLE_ABORTED_BY_CALLBACK: .aborted
        default: .unreachable
        }
    }
}
