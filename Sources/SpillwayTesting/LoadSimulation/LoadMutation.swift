/// A planted bug, so that a test can see that a ``LoadSimulation`` finds it.
enum LoadMutation: CaseIterable, Sendable {
    /// Records reach the engine without their keys, and don't wait for each other.
    case forgetsKeys
    /// A record that was handled is tried again.
    case handlesAgain
    /// The commit is one record too far.
    case commitsOneTooFar
    /// The failure store says that it has put what it has not.
    case storesNothing
    /// More is demanded than there are permits.
    case demandsTooMuch
}
