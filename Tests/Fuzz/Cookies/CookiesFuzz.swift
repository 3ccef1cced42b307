import FuzzDriver
import HTTPChecks

@_cdecl("LLVMFuzzerTestOneInput") func one(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt { examine(data, count, Checks.cookies) }

@main enum CookiesFuzz {
    static func main() { fuzz(one) }
}
