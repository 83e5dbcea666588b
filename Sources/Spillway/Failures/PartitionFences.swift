/// Which generation last opened each partition at a ``FailureStore``: writes of an earlier one are refused.
package struct PartitionFences: Sendable {
    /// By bytes, as the rows are: of a name with an accent there are several spellings, each a name of its own.
    private struct Name: Hashable {
        private let group: ExactName
        private let source: ExactName
        private let topic: ExactName
        private let partition: Int

        init(group: String, partition: TopicPartition) {
            self.group = ExactName(group)
            source = ExactName(partition.source)
            topic = ExactName(partition.topic)
            self.partition = partition.partition
        }
    }

    private var generations: [Name: UInt64] = [:]

    /// Makes fences that admit everyone.
    package init() {}

    /// A generation opens a partition; a later one that was there before stays.
    package mutating func open(group: String, partition: TopicPartition, generation: UInt64) {
        let name = Name(group: group, partition: partition)
        generations[name] = max(generation, generations[name] ?? 0)
    }

    /// Checks that nobody has opened a partition under a later generation.
    ///
    /// - Throws: ``FailureStoreError`` with ``FailureStoreError/Code/fenced``.
    package func check(group: String, _ owned: [TopicPartition: UInt64]) throws {
        for (partition, generation) in owned {
            guard let last = generations[Name(group: group, partition: partition)], last > generation else { continue }
            throw FailureStoreError(
                .fenced, "\(partition) of group \(group) has a later owner: nothing of the earlier one is written",
                isRetriable: false)
        }
    }
}
