import CCurl
import CExpat
import CLinux
import CNghttp2
import COpenSSL
import CQRencode
import CSQLite
import CYAML

/// What this executable is, and what it runs on.
enum Version {
    static let number = "0.1.0"

    /// The commit it was built from, `+` behind it where files had been changed; `unknown` where it was built outside of git.
    static var commit: String { unsafe String(cString: menwei_build_commit()) }

    static var lines: [String] {
        [
            "menwei \(number) (\(commit))",
            "openssl \(unsafe text(OpenSSL_version(OPENSSL_VERSION_STRING)))",
            "nghttp2 \(unsafe text(nghttp2_version(0)?.pointee.version_str))",
            "sqlite \(unsafe text(sqlite3_libversion()))",
            "libcurl \(unsafe text(menwei_curl_version()))",
            "expat \(unsafe text(XML_ExpatVersion()).split(separator: "_").last ?? "unknown")",
            "libqrencode \(unsafe text(QRcode_APIVersionString()))",
            "libyaml \(unsafe text(yaml_get_version_string()))",
        ]
    }

    private static func text(_ pointer: UnsafePointer<CChar>?) -> String {
        unsafe pointer.map { unsafe String(cString: $0) } ?? "unknown"
    }
}
