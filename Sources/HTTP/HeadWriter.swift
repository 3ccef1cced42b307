public import Bytes

/// The first line of a response.
public enum ResponseWriter {
    /// `HTTP/1.1 200 OK` and its line end. `status` is 100…999.
    public static func statusLine(_ status: UInt16, into queue: inout ByteQueue) {
        queue.append("HTTP/1.1 ")
        queue.append(decimal: UInt64(status))
        queue.append(0x20)
        queue.append(ReasonPhrase.text(status))
        queue.append("\r\n")
    }
}

/// The first line of a request.
public enum RequestWriter {
    /// `GET /path HTTP/1.1` and its line end. Method and target must have been through the parser.
    public static func requestLine(method: Span<UInt8>, target: Span<UInt8>, into queue: inout ByteQueue) {
        queue.append(method)
        queue.append(0x20)
        queue.append(target)
        queue.append(" HTTP/1.1\r\n")
    }
}

/// Field lines, for requests and responses alike.
public enum FieldWriter {
    /// A field whose name and value have been through a parser.
    public static func field(_ name: Span<UInt8>, _ value: Span<UInt8>, into queue: inout ByteQueue) {
        queue.append(name)
        queue.append(": ")
        queue.append(value)
        queue.append("\r\n")
    }

    /// A field as it came.
    public static func field(_ entry: Fields.Entry, of fields: borrowing Fields, into queue: inout ByteQueue) {
        let arena = fields.arena.span
        field(arena.extracting(entry.name), arena.extracting(entry.value), into: &queue)
    }

    /// A field of the gateway's own making. Controls in the value become spaces, so that no text can make a second field.
    public static func field(_ name: StaticString, _ value: String, into queue: inout ByteQueue) {
        queue.append(name)
        queue.append(": ")
        if value.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            for byte in value.utf8 { queue.append(byte < 0x20 || byte == 0x7F ? 0x20 : byte) }
        } else {
            queue.append(value)
        }
        queue.append("\r\n")
    }

    /// A field whose value is fixed text.
    public static func field(_ name: StaticString, literal value: StaticString, into queue: inout ByteQueue) {
        queue.append(name)
        queue.append(": ")
        queue.append(value)
        queue.append("\r\n")
    }

    /// A field whose value is a number, as `Content-Length`.
    public static func field(_ name: StaticString, decimal value: UInt64, into queue: inout ByteQueue) {
        queue.append(name)
        queue.append(": ")
        queue.append(decimal: value)
        queue.append("\r\n")
    }

    /// The empty line after the last field.
    public static func end(into queue: inout ByteQueue) { queue.append("\r\n") }
}

/// The framing of a chunked body (RFC 9112 section 7.1): `header`, the payload, `dataEnd`, again and again, then `end`.
public enum ChunkedWriter {
    /// The line before `count` bytes of payload; at least 1, since a chunk of none would end the body.
    public static func header(_ count: Int, into queue: inout ByteQueue) {
        precondition(count > 0)
        var shift = (Int.bitWidth - 1 - count.leadingZeroBitCount) / 4 * 4
        while shift >= 0 {
            queue.append(Hex.digit(UInt8(truncatingIfNeeded: count >> shift) & 15))
            shift -= 4
        }
        queue.append("\r\n")
    }

    /// The line end after a chunk's payload.
    public static func dataEnd(into queue: inout ByteQueue) { queue.append("\r\n") }

    /// The last chunk, without trailers.
    public static func end(into queue: inout ByteQueue) { queue.append("0\r\n\r\n") }
}
