import AccessChecks
import FuzzDriver

@_cdecl("LLVMFuzzerTestOneInput") func one(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt { examine(data, count, AccountSheetCheck.check) }

@main enum AccountSheetFuzz {
    static func main() { fuzz(one) }
}
