import Glibc

/// Lines for the person at the terminal.
enum Output {
    static func line(_ text: String) { write(text, to: 1) }
    static func error(_ text: String) { write(text, to: 2) }

    /// One line, one write: lines of several threads do not mix.
    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)
        bytes.append(0x0A)
        var at = 0
        while at < bytes.count {
            let wrote = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress! + at, bytes.count - at) }
            if wrote <= 0 { return }
            at += wrote
        }
    }
}
