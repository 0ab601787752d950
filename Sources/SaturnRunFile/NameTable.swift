/// Who has a name, case ignored: twelve bytes a name and no copy of it, since a run may have a million of them.
struct NameTable {
    private struct Slot {
        var hash: UInt32
        /// -1 in an empty slot.
        var owner: Int32
    }

    /// A power of two of them, at most half of them taken.
    private var slots: [Slot] = []
    private var count = 0

    /// Gives the name to `owner` and returns `nil`, or returns who has it already.
    ///
    /// - Parameter nameOf: The name of an owner.
    mutating func claim(_ name: String, for owner: Int, nameOf: (Int) -> String) -> Int? {
        if 2 * (count + 1) > slots.count { grow() }
        let lowered = Self.lowered(name)
        let hash = UInt32(truncatingIfNeeded: lowered.hashValue)
        var index = Int(hash) & (slots.count - 1)
        while slots[index].owner >= 0 {
            let other = Int(slots[index].owner)
            if slots[index].hash == hash, Self.lowered(nameOf(other)) == lowered { return other }
            index = (index + 1) & (slots.count - 1)
        }
        slots[index] = Slot(hash: hash, owner: Int32(clamping: owner))
        count += 1
        return nil
    }

    /// Most names are lower case already, in ASCII.
    private static func lowered(_ name: String) -> String {
        let isLower = name.utf8.allSatisfy { $0 < 128 && !(UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
        return isLower ? name : name.lowercased()
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: Slot(hash: 0, owner: -1), count: max(16, 2 * old.count))
        for slot in old where slot.owner >= 0 {
            var index = Int(slot.hash) & (slots.count - 1)
            while slots[index].owner >= 0 { index = (index + 1) & (slots.count - 1) }
            slots[index] = slot
        }
    }
}
