import SaturnCore

/// What may be wrong with a setting of an executor's beyond its kind.
extension ComponentSpec {
    func problemIfEmpty(_ name: String, hint: String) -> [Diagnostic] {
        guard let setting = settings[name], setting.text == "" else { return [] }
        return [Diagnostic(at: setting.mark, "'\(name)' is empty", hint: hint)]
    }

    func problemUnlessMapping(_ name: String) -> [Diagnostic] {
        guard let setting = settings[name] else { return [] }
        if case .map = setting.value { return [] }
        return [Diagnostic(at: setting.mark, "'\(name)' is a mapping")]
    }
}
