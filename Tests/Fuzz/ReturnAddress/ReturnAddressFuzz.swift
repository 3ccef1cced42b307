import Access
import FuzzDriver

@_cdecl("LLVMFuzzerTestOneInput") func one(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt { examine(data, count, fuzzReturnAddress) }

@main enum ReturnAddressFuzz {
    static func main() { fuzz(one) }
}
