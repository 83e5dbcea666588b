/// A planted bug: what reaches the engine, or what it decides, is changed on the way, as if a guard were missing. A
/// simulation with any of these has to fail for some seeds, else its checks are too weak.
public enum EngineMutation: String, CaseIterable, Sendable {
    /// The commit is taken from the highest position received instead of the lowest unfinished one.
    case commitsWhatWasSeen
    /// The commit is one record too far.
    case commitsOneTooFar
    /// A commit is taken for stored before the broker has it.
    case believesCommitsTooEarly
    /// A hint says that one more record is finished.
    case hintClaimsTooMuch
    /// A failed record is acknowledged all the same.
    case acknowledgesFailures
    /// In a batch the record that failed is finished, and the one behind it is tried again in its place.
    case mixesUpOutcomes
    /// Records of one key don't wait for each other.
    case forgetsKeys
    /// Records that were fetched under an earlier assignment are taken for the present one's.
    case ignoresGenerations
    /// A revocation is answered before the running work has ended.
    case givesBackAtOnce
    /// A completion is lost now and then, and its permits with it.
    case leaksPermits
    /// More is demanded than there are permits.
    case demandsTooMuch
    /// A parked lane is never woken.
    case forgetsParkedLanes
    /// A paused partition is never resumed.
    case forgetsToResume
    /// The handler's own position is not sought.
    case ignoresOwnPositions
    /// What was on its way to the engine during a seek is taken for records of the new place.
    case takesWhatCameDuringASeek
    /// The engine is not told that a partition was lost.
    case hearsNoLoss
    /// The failure store says that it has put what it has not.
    case storesNothing
    /// The failure store says that it has a dead letter that it has not.
    case buriesNothing
    /// A store that was full is taken for one that has room.
    case believesAFullStore
    /// The keys that wait in the side queue are not asked for when a partition is assigned.
    case forgetsHeldKeys
    /// What is read of the side queue is gone from it before it was handled.
    case forgetsWhatIsLoaded
    /// What an earlier owner of a partition wanted written to its side queue is written after the present one has read it.
    case admitsEarlierOwners
    /// What is read of the side queue is more than was asked for.
    case readsTooMuch
    /// A held key comes back in the wrong order.
    case loadsBackwards
    /// A held key is handled before its first record is due.
    case ignoresDueTimes
}
