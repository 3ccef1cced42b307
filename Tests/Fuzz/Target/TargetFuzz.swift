import FuzzDriver
import HTTPChecks

@_cdecl("LLVMFuzzerTestOneInput") func one(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt { examine(data, count, Checks.target) }

@main enum TargetFuzz {
    static func main() { fuzz(one) }
}
