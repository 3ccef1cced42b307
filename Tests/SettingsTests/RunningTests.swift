import Testing

@testable import Settings

/// What a reload finds where another configuration is in force.
@Suite struct RunningTests {
    private let workspace: Workspace
    private let hooks: LoadHooks

    init() throws {
        workspace = try Workspace()
        var hooks = LoadHooks()
        hooks.running = try workspace.load(Sample.with()).configuration
        self.hooks = hooks
    }

    @Test func theSameIsNoFault() throws {
        #expect(try workspace.faults(Sample.with(), hooks: hooks) == [])
        #expect(try workspace.faults(Sample.with("sessions: { store: \"sqlite:menwei.db\" }", "signing: { keys: keys }"), hooks: hooks) == [])
        #expect(try workspace.faults(Sample.replacing("127.0.0.1:8443", "127.0.0.1:9443"), hooks: hooks) == [])
    }

    @Test(arguments: [
        ("sessions: { store: \"memory:\" }", "10:20: \"sessions.store\" changes with a restart only; the gateway runs with \"sqlite:DIR/menwei.db\""),
        ("signing: { keys: other }", "10:18: \"signing.keys\" changes with a restart only; the gateway runs with \"DIR/keys\""),
    ])
    func whatNeedsARestartIsAFaultAtItsValue(_ line: String, _ fault: String) throws {
        #expect(try workspace.faults(Sample.with(line), hooks: hooks) == [fault])
    }

    @Test func theOperationsListenerStays() throws {
        let text = Sample.replacing(Sample.listen, #"listen: { https: ["127.0.0.1:8443"], operations: "127.0.0.1:9999" }"#)
        #expect(try workspace.faults(text, hooks: hooks) == ["1:50: \"listen.operations\" changes with a restart only; the gateway runs with \"127.0.0.1:9464\""])
    }

    @Test func theSectionIsNamedWhereTheKeyIsGone() throws {
        var hooks = hooks
        hooks.running = try workspace.load(Sample.with("sessions: { store: \"memory:\" }")).configuration
        #expect(try workspace.faults(Sample.with(), hooks: hooks) == ["1:1: \"sessions.store\" changes with a restart only; the gateway runs with \"memory:\""])
    }

    @Test func addressesAreFoundAgainForFaultsThatComeLater() throws {
        let listen = try #require(hooks.running?.listen)
        let place = try #require(listen.places[listen.https[0]])
        #expect(place.line == 1 && place.column == 19)
    }
}
