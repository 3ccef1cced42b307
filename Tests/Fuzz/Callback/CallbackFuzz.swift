import FuzzDriver
import WeCom

@_cdecl("LLVMFuzzerTestOneInput") func one(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt { examine(data, count, fuzzCallback) }

@main enum CallbackFuzz {
    static func main() { fuzz(one) }
}
