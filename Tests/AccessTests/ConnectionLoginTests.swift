import HTTP
import Testing

@testable import Access

@Suite struct ConnectionLoginTests {
    private func fields(_ name: String, _ values: [String]) -> Fields {
        var fields = Fields()
        for value in values { fields.append(name, value) }
        return fields
    }

    @Test(arguments: [
        ([], [], 401, ConnectionLogin.Progress.none), ([], ["Basic realm=\"NTLM\""], 401, .none), (["Basic x", "NTLMv2 x"], ["Negotiated"], 401, .none),
        ([], ["NTLM"], 401, .asked), ([], ["Basic realm=\"x\", negotiate"], 401, .asked), ([], ["Basic", "nTLM"], 200, .asked),
        (["NTLM TlRMTVNTUAAB"], ["NTLM TlRMTVNTUAAC"], 401, .challenged), (["Negotiate YII="], ["Basic, Negotiate YII="], 401, .challenged),
        // The password was wrong: it begins anew, over whichever.
        (["NTLM TlRMTVNTUAAD"], ["NTLM"], 401, .asked), (["NTLM TlRMTVNTUAAD"], [], 401, .asked),
        (["NTLM TlRMTVNTUAAD"], [], 200, .done), (["negotiate YII="], ["Negotiate oRQ="], 200, .done), (["NTLM x"], [], 403, .done),
    ])
    func howFarALoginIs(_ request: [String], _ answer: [String], _ status: Int, _ progress: ConnectionLogin.Progress) {
        #expect(ConnectionLogin.progress(fields("Authorization", request), fields("WWW-Authenticate", answer), status: UInt16(status)) == progress)
    }
}
