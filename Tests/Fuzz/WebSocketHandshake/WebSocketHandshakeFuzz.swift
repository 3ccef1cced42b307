import FuzzDriver
import HTTPChecks

@_cdecl("LLVMFuzzerTestOneInput") func one(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt { examine(data, count, Checks.handshake) }

@main enum WebSocketHandshakeFuzz {
    static func main() { fuzz(one) }
}
