import Crypto
import HTTP

/// Whether `bytes` are `text` but for ASCII case.
func same(_ bytes: ArraySlice<UInt8>, _ text: String) -> Bool {
    bytes.count == text.utf8.count && hasPrefix(bytes, text)
}

/// Whether `bytes` begin with `text`, but for ASCII case.
func hasPrefix(_ bytes: ArraySlice<UInt8>, _ text: String) -> Bool {
    bytes.count >= text.utf8.count && zip(bytes, text.utf8).allSatisfy { lowercase($0) == lowercase($1) }
}

/// Whether a `Content-Type` value is of that media type, parameters aside.
func hasMediaType(_ bytes: ArraySlice<UInt8>, _ text: String) -> Bool {
    guard hasPrefix(bytes, text) else { return false }
    let rest = bytes.dropFirst(text.utf8.count).first { $0 != 0x20 && $0 != 0x09 }
    return rest == nil || rest == 0x3B
}

/// Without blanks and tabs at both ends.
func trim(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var bytes = bytes
    while let first = bytes.first, first == 0x20 || first == 0x09 { bytes = bytes.dropFirst() }
    while let last = bytes.last, last == 0x20 || last == 0x09 { bytes = bytes.dropLast() }
    return bytes
}

func hexDigit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
}

/// Appends base 64 with padding (RFC 4648 section 4).
func appendBase64(_ bytes: Span<UInt8>, to out: inout [UInt8]) {
    let start = out.count
    Base64URLText.append(bytes, to: &out)
    for i in start..<out.count {
        if out[i] == 0x2D { out[i] = 0x2B } else if out[i] == 0x5F { out[i] = 0x2F }
    }
    while (out.count - start) % 4 != 0 { out.append(0x3D) }
}
