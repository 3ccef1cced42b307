import FuzzDriver
import Proxy

@_cdecl("LLVMFuzzerTestOneInput") func one(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt { examine(data, count, fuzzProxyProtocol) }

@main enum ProxyProtocolFuzz {
    static func main() { fuzz(one) }
}
