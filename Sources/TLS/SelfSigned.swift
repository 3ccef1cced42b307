import COpenSSL

/// A certificate that vouches for itself, for the demo and for tests: ECDSA on P-256, good for 30 days.
public enum SelfSigned {
    /// Certificate and key as PEM. `names` are DNS names, at least one.
    public static func make(names: [String]) throws(TLSError) -> (certificatePEM: [UInt8], keyPEM: [UInt8]) {
        guard let key = unsafe menwei_EVP_EC_gen("P-256") else { throw TLSError.last(.key) }
        defer { unsafe EVP_PKEY_free(key) }
        guard let certificate = unsafe X509_new() else { throw TLSError.last(.certificate) }
        defer { unsafe X509_free(certificate) }
        guard unsafe fill(certificate, key, names), unsafe X509_sign(certificate, key, EVP_sha256()) > 0 else { throw TLSError.last(.certificate) }
        return (
            try unsafe text { unsafe PEM_write_bio_X509($0, certificate) },
            try unsafe text { unsafe PEM_write_bio_PKCS8PrivateKey($0, key, nil, nil, 0, nil, nil) }
        )
    }

    private static func fill(_ certificate: OpaquePointer, _ key: OpaquePointer, _ names: [String]) -> Bool {
        // Version 3; a serial number that no earlier run used, or browsers refuse it for the same issuer.
        guard unsafe X509_set_version(certificate, 2) == 1,
            unsafe ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), UInt64.random(in: 1...UInt64(Int64.max))) == 1,
            unsafe X509_gmtime_adj(X509_getm_notBefore(certificate), -3600) != nil,
            unsafe X509_gmtime_adj(X509_getm_notAfter(certificate), 30 * 86400) != nil,
            unsafe X509_set_pubkey(certificate, key) == 1, let subject = unsafe X509_get_subject_name(certificate),
            unsafe X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, names[0], -1, -1, 0) == 1,
            unsafe X509_set_issuer_name(certificate, subject) == 1
        else { return false }
        return unsafe add(NID_subject_alt_name, names.map { "DNS:\($0)" }.joined(separator: ","), to: certificate)
            && add(NID_basic_constraints, "critical,CA:FALSE", to: certificate) && add(NID_ext_key_usage, "serverAuth", to: certificate)
    }

    private static func add(_ kind: Int32, _ value: String, to certificate: OpaquePointer) -> Bool {
        guard let item = unsafe X509V3_EXT_conf_nid(nil, nil, kind, value) else { return false }
        defer { unsafe X509_EXTENSION_free(item) }
        return unsafe X509_add_ext(certificate, item, -1) == 1
    }

    private static func text(_ write: (OpaquePointer) -> Int32) throws(TLSError) -> [UInt8] {
        guard let bio = unsafe BIO_new(BIO_s_mem()) else { throw TLSError.last(.context) }
        defer { unsafe BIO_free(bio) }
        guard unsafe write(bio) == 1 else { throw TLSError.last(.context) }
        var bytes = [UInt8](repeating: 0, count: Int(unsafe BIO_ctrl_pending(bio)))
        let count = unsafe BIO_read(bio, &bytes, Int32(clamping: bytes.count))
        return Array(bytes.prefix(Int(max(0, count))))
    }
}
