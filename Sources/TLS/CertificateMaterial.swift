public import Bytes
import COpenSSL

/// A certificate chain and its private key, read and checked once, copied to every worker. Holds PEM, not OpenSSL objects, so that it can
/// travel between threads.
public struct CertificateMaterial: Sendable, Equatable {
    /// The leaf first.
    public let chainPEM: [UInt8]
    public let keyPEM: [UInt8]
    /// The DNS names the leaf is good for, lower case; `*.` wildcards as they are. Its common name only where it has no alternative names.
    public let names: [String]
    /// When the leaf ends.
    public let notAfter: WallTime

    /// Reads both; throws where either cannot be read or they do not belong together.
    public init(chainPEM: [UInt8], keyPEM: [UInt8]) throws(TLSError) {
        self.chainPEM = chainPEM
        self.keyPEM = keyPEM
        let leaf = try X509Handle(pem: chainPEM)
        let key = try KeyHandle(pem: keyPEM)
        guard unsafe X509_check_private_key(leaf.pointer, key.pointer) == 1 else {
            ERR_clear_error()
            throw TLSError(.mismatch, "the key does not belong to the certificate")
        }
        names = leaf.names
        notAfter = leaf.notAfter
    }

    /// Whether the leaf is good for `host` (lower case; a wildcard covers one label).
    public func covers(_ host: String) -> Bool {
        if names.contains(host) { return true }
        guard let dot = host.firstIndex(of: ".") else { return false }
        return names.contains("*" + host[dot...])
    }
}

extension CertificateMaterial {
    /// Makes it what `context` shows of itself.
    func use(in context: OpaquePointer) throws(TLSError) {
        let leaf = try X509Handle(pem: chainPEM)
        let key = try KeyHandle(pem: keyPEM)
        guard unsafe SSL_CTX_use_certificate(context, leaf.pointer) == 1 else { throw TLSError.last(.certificate) }
        guard unsafe SSL_CTX_use_PrivateKey(context, key.pointer) == 1 else { throw TLSError.last(.key) }
        // The certificates after the leaf are the chain.
        let isUsed = unsafe CertificateList.forEach(in: chainPEM) { index, certificate in
            index == 0 ? true : unsafe X509_up_ref(certificate) == 1 && menwei_SSL_CTX_add0_chain_cert(context, certificate) == 1
        }
        if isUsed == nil { throw TLSError(.certificate, "the certificate chain cannot be used") }
    }
}

/// Several certificates in one PEM text.
enum CertificateList {
    /// Shows `body` each of them, as long as it says yes; how many there were, nil where it said no.
    static func forEach(in pem: [UInt8], _ body: (Int, OpaquePointer) -> Bool) -> Int? {
        // Reading on until nothing is left ends with "no start line", which is no fault.
        defer { ERR_clear_error() }
        return unsafe pem.withUnsafeBytes { bytes -> Int? in
            guard let bio = unsafe BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else { return nil }
            defer { unsafe BIO_free(bio) }
            var count = 0
            while let next = unsafe PEM_read_bio_X509(bio, nil, nil, nil) {
                defer { unsafe X509_free(next) }
                if unsafe !body(count, next) { return nil }
                count += 1
            }
            return count
        }
    }
}

/// Owns one X509.
@safe struct X509Handle: ~Copyable {
    let pointer: OpaquePointer

    init(pem: [UInt8]) throws(TLSError) {
        let read = unsafe pem.withUnsafeBytes { bytes -> OpaquePointer? in
            guard let bio = unsafe BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else { return nil }
            defer { unsafe BIO_free(bio) }
            return unsafe PEM_read_bio_X509(bio, nil, nil, nil)
        }
        guard let read = unsafe read else { throw TLSError.last(.certificate) }
        unsafe pointer = read
    }

    deinit { unsafe X509_free(pointer) }

    var notAfter: WallTime {
        var time = unsafe tm()
        guard unsafe ASN1_TIME_to_tm(X509_get0_notAfter(pointer), &time) == 1 else { return WallTime(milliseconds: 0) }
        return unsafe WallTime(seconds: Int64(timegm(&time)))
    }

    var names: [String] {
        var found: [String] = []
        if let raw = unsafe X509_get_ext_d2i(pointer, NID_subject_alt_name, nil, nil) {
            let names = OpaquePointer(raw)
            defer { unsafe GENERAL_NAMES_free(names) }
            for i in unsafe 0..<menwei_sk_GENERAL_NAME_num(names) {
                guard let name = unsafe menwei_sk_GENERAL_NAME_value(names, i) else { continue }
                var kind: Int32 = 0
                guard let value = unsafe GENERAL_NAME_get0_value(name, &kind), kind == GEN_DNS else { continue }
                if let text = unsafe Self.text(UnsafePointer(value.assumingMemoryBound(to: ASN1_STRING.self))) { found.append(text) }
            }
        }
        if found.isEmpty, let subject = unsafe X509_get_subject_name(pointer) {
            let at = unsafe X509_NAME_get_index_by_NID(subject, NID_commonName, -1)
            if at >= 0, let entry = unsafe X509_NAME_get_entry(subject, at), let data = unsafe X509_NAME_ENTRY_get_data(entry) {
                if let text = unsafe Self.text(UnsafePointer(data)) { found.append(text) }
            }
        }
        return found
    }

    private static func text(_ string: UnsafePointer<ASN1_STRING>) -> String? {
        guard let data = unsafe ASN1_STRING_get0_data(string) else { return nil }
        let bytes = unsafe UnsafeBufferPointer(start: data, count: Int(ASN1_STRING_length(string)))
        return unsafe String(decoding: bytes, as: UTF8.self).lowercased()
    }
}

/// Owns one EVP_PKEY.
@safe struct KeyHandle: ~Copyable {
    let pointer: OpaquePointer

    init(pem: [UInt8]) throws(TLSError) {
        let read = unsafe pem.withUnsafeBytes { bytes -> OpaquePointer? in
            guard let bio = unsafe BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else { return nil }
            defer { unsafe BIO_free(bio) }
            // No password is asked for on a terminal: an encrypted key is a fault.
            return unsafe PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in 0 }, nil)
        }
        guard let read = unsafe read else { throw TLSError.last(.key) }
        unsafe pointer = read
    }

    deinit { unsafe EVP_PKEY_free(pointer) }
}
