import Foundation
import Glibc
import Outbound
import Testing

/// OpenSSL's own little web server on a free port, with a certificate that nobody knows.
private final class SecureServer {
    let folder: URL
    let port: Int
    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()

    var certificate: String { folder.appendingPathComponent("certificate.pem").path }

    init(name: String) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let key = folder.appendingPathComponent("key.pem").path
        let certificate = folder.appendingPathComponent("certificate.pem").path
        let request = Process()
        request.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        request.arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=test", "-addext",
            "subjectAltName=\(name)", "-keyout", key, "-out", certificate,
        ]
        request.standardError = Pipe()
        try request.run()
        request.waitUntilExit()
        process.executableURL = request.executableURL
        process.arguments = ["s_server", "-accept", "127.0.0.1:0", "-www", "-cert", certificate, "-key", key]
        process.standardInput = input
        process.standardOutput = output
        process.standardError = Pipe()
        try process.run()
        // ACCEPT 127.0.0.1:40123
        var text = ""
        while !text.contains("ACCEPT") || !text.hasSuffix("\n") {
            let part = output.fileHandleForReading.availableData
            if part.isEmpty { break }
            text += String(decoding: part, as: UTF8.self)
        }
        let line = text.split(separator: "\n").last { $0.hasPrefix("ACCEPT") } ?? ""
        port = line.split(separator: ":").last.flatMap { Int($0) } ?? 0
    }

    deinit {
        // Not SIGTERM: a child of a pool's thread inherits a mask that blocks it.
        kill(process.processIdentifier, SIGKILL)
        try? FileManager.default.removeItem(at: folder)
    }
}

@Suite(.timeLimit(.minutes(5)), .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl")))
struct CertificateTests {
    private func outcome(_ server: SecureServer, trusting bundle: String?) async throws -> OutboundFailure.Reason? {
        var options = CurlCaller.Options()
        options.usesEnvironmentProxy = false
        options.additionalCA = bundle
        do {
            _ = try await CurlCaller(options).call(OutboundRequest(url: "https://127.0.0.1:\(server.port)/", timeout: .seconds(20)))
            return nil
        } catch { return error.reason }
    }

    @Test func `a certificate that nobody vouches for is refused, and taken where it is trusted`() async throws {
        let server = try SecureServer(name: "IP:127.0.0.1")
        #expect(server.port != 0)
        #expect(try await outcome(server, trusting: nil) == .tls)
        #expect(try await outcome(server, trusting: server.certificate) == nil)
        #expect(try await outcome(server, trusting: server.folder.appendingPathComponent("missing.pem").path) == .tls)
    }

    @Test func `a trusted certificate for another name is refused`() async throws {
        let server = try SecureServer(name: "DNS:other.example")
        #expect(try await outcome(server, trusting: server.certificate) == .tls)
    }
}
