/// What a consumer runs with: the program's configuration with the settings in its place.
struct EffectiveConfiguration: Sendable {
    let configuration: ConsumerConfiguration
    let processor: Processor
    let limits: BatchLimits
    let isPaused: Bool

    /// Puts settings into place.
    ///
    /// - Throws: ``SettingsError`` with ``SettingsError/Code/invalid``, naming the field.
    init(_ configuration: ConsumerConfiguration, _ settings: ConsumerSettings, processors: [Processor]) throws {
        self.configuration = try settings.applied(to: configuration)
        let wanted = self.configuration.processor ?? processors.first?.name
        guard let processor = processors.first(where: { $0.name == wanted }) else {
            throw SettingsError(
                .invalid, "processor must be one of \(processors.map(\.name).joined(separator: ", "))")
        }
        self.processor = processor
        let changed = try settings.applied(to: processor.limits)
        limits = processor.isSingle ? processor.limits : changed
        isPaused = settings.isPaused ?? false
    }

    func engineSettings(usesFailureStore: Bool) -> EngineSettings {
        var settings = EngineSettings(configuration, processor: processor, usesFailureStore: usesFailureStore)
        settings.limits = limits
        return settings
    }

    /// True if a consumer has to begin again to go over to the other.
    func differsInShape(from other: EffectiveConfiguration) -> Bool {
        processor.name != other.processor.name || configuration.topic != other.configuration.topic
    }
}
