/// Builds the tree from the events.
struct YAMLComposer {
    private struct Anchor {
        var node: YAMLNode
        /// How many values it stands for, itself included.
        var weight: Int
    }

    private let events: YAMLEvents
    private var anchors: [String: Anchor] = [:]
    private var open: Set<String> = []
    private var weight = 0
    private(set) var faults: [YAMLFault] = []

    init(events: YAMLEvents) {
        self.events = events
    }

    mutating func document() throws(YAMLFault) -> YAMLNode? {
        _ = try events.next()
        guard case .documentStart = try events.next().event else { return nil }
        let (event, mark) = try events.next()
        let root = try node(event, mark, depth: 1)
        _ = try events.next()
        let after = try events.next()
        if case .documentStart = after.event { throw YAMLFault(mark: after.mark, message: "only one document is read; this begins a second one") }
        faults.sort { $0.mark < $1.mark }
        return root.isNull ? nil : root
    }

    private mutating func node(_ event: YAMLEvent, _ mark: Mark, depth: Int) throws(YAMLFault) -> YAMLNode {
        guard depth <= YAMLDocument.maximumDepth else {
            throw YAMLFault(mark: mark, message: "nested deeper than \(YAMLDocument.maximumDepth) levels")
        }
        let before = weight
        try count(1, at: mark)
        switch event {
        case .alias(let name):
            guard let anchor = anchors[name], !open.contains(name) else {
                let why = open.contains(name) ? "stands inside what it names" : "is not defined above"
                throw YAMLFault(mark: mark, message: "the alias \(quoted("*" + name)) \(why)")
            }
            try count(anchor.weight, at: mark)
            return anchor.node
        case .scalar(let scalar, let properties):
            try begin(properties, mark)
            return finish(YAMLNode(mark: mark, content: .scalar(scalar)), properties, before)
        case .sequenceStart(let properties):
            try begin(properties, mark)
            return finish(YAMLNode(mark: mark, content: .sequence(try items(depth))), properties, before)
        case .mappingStart(let properties):
            try begin(properties, mark)
            return finish(YAMLNode(mark: mark, content: .mapping(try entries(depth))), properties, before)
        case .streamStart, .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd:
            throw YAMLFault(mark: mark, message: "not valid YAML")
        }
    }

    private mutating func count(_ nodes: Int, at mark: Mark) throws(YAMLFault) {
        weight += nodes
        guard weight <= YAMLDocument.maximumNodes else {
            throw YAMLFault(mark: mark, message: "more than \(YAMLDocument.maximumNodes) values, aliases counted as what they stand for")
        }
    }

    private mutating func begin(_ properties: YAMLEvent.Properties, _ mark: Mark) throws(YAMLFault) {
        guard !properties.isTagged else { throw YAMLFault(mark: mark, message: "tags (\"!…\") are not read") }
        if let name = properties.anchor { open.insert(name) }
    }

    private mutating func finish(_ node: YAMLNode, _ properties: YAMLEvent.Properties, _ before: Int) -> YAMLNode {
        if let name = properties.anchor {
            open.remove(name)
            anchors[name] = Anchor(node: node, weight: weight - before)
        }
        return node
    }

    private mutating func items(_ depth: Int) throws(YAMLFault) -> [YAMLNode] {
        var items: [YAMLNode] = []
        while true {
            let (event, mark) = try events.next()
            if case .sequenceEnd = event { return items }
            items.append(try node(event, mark, depth: depth + 1))
        }
    }

    private mutating func entries(_ depth: Int) throws(YAMLFault) -> [YAMLNode.Entry] {
        var own: [YAMLNode.Entry] = []
        var merged: [YAMLNode] = []
        var lines: [String: Int] = [:]
        while true {
            let (event, mark) = try events.next()
            if case .mappingEnd = event { break }
            var isMerge = false
            if case .scalar(let scalar, _) = event { isMerge = scalar.isMergeKey }
            let keyNode = try node(event, mark, depth: depth + 1)
            guard case .scalar(let key) = keyNode.content else {
                throw YAMLFault(mark: mark, message: "a key must be a single text, this is \(keyNode.kindName)")
            }
            let (valueEvent, valueMark) = try events.next()
            let value = try node(valueEvent, valueMark, depth: depth + 1)
            if let line = lines.updateValue(mark.line, forKey: key.text) {
                faults.append(YAMLFault(mark: mark, message: "the key \(quoted(key.text)) stands here a second time, first in line \(line)"))
            } else if isMerge {
                merged = sources(of: value)
            } else {
                own.append(YAMLNode.Entry(key: key.text, keyMark: mark, value: value))
            }
        }
        return Self.merge(own, merged)
    }

    /// What `<<` names: one mapping, or a list of them.
    private mutating func sources(of value: YAMLNode) -> [YAMLNode] {
        let list: [YAMLNode] = if case .sequence(let items) = value.content { items } else { [value] }
        for item in list {
            if case .mapping = item.content { continue }
            faults.append(YAMLFault(mark: item.mark, message: "\"<<\" needs a mapping or a list of mappings, this is \(item.kindName)"))
        }
        return list
    }

    /// Own keys win over merged ones, earlier mappings over later ones.
    private static func merge(_ own: [YAMLNode.Entry], _ sources: [YAMLNode]) -> [YAMLNode.Entry] {
        guard !sources.isEmpty else { return own }
        var result = own
        var known = Set(own.map(\.key))
        for source in sources {
            guard case .mapping(let entries) = source.content else { continue }
            for entry in entries where known.insert(entry.key).inserted { result.append(entry) }
        }
        return result
    }
}
