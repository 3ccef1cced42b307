import FuzzDriver
import HTTPChecks

@_cdecl("LLVMFuzzerTestOneInput") func one(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt { examine(data, count, Checks.http2Frames) }

@main enum HTTP2FramesFuzz {
    static func main() { fuzz(one) }
}
