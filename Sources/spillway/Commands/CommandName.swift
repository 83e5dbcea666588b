/// The program's commands. Those of two words are an object and what is done with it; each has options of its own.
enum CommandName: String, Sendable, Hashable, CaseIterable {
    case serve
    case token
    case audit
    case `import`
    case backup
    case restore
    case recover
    case groupsList = "groups list"
    case groupsDelete = "groups delete"
    case groupsSeek = "groups seek"
    case deadLettersList = "dead-letters list"
    case deadLettersShow = "dead-letters show"
    case deadLettersRequeue = "dead-letters requeue"
    case deadLettersDiscard = "dead-letters discard"
    case inspect
    case settingsShow = "settings show"
    case settingsSet = "settings set"
    case settingsHistory = "settings history"
    case settingsSeek = "settings seek"
    case bench
    case version
    /// Prints docs/CONFIGURATION.md; not in the help.
    case docsOptions = "docs-options"

    /// Those that `spillway --help` lists.
    static let listed: [CommandName] = allCases.filter { $0 != .docsOptions }

    /// One line for `spillway --help`.
    var summary: String {
        switch self {
        case .serve: "run the service"
        case .token: "print tokens for users, signed with the data directory's key"
        case .audit: "recount from rows, and compare the projections with each other and with the log"
        case .import: "load reactions from lines of JSON"
        case .backup: "ask a running server for a consistent copy of its data directory"
        case .restore: "make a data directory from a backup"
        case .recover: "say what a damaged log has lost, and start again without it if that is accepted"
        case .groupsList: "list a running server's consumer groups, with their commits and what lies behind"
        case .groupsDelete: "forget a consumer group, so that it no longer holds retention"
        case .groupsSeek: "set where a consumer group begins"
        case .deadLettersList: "list records that were given up"
        case .deadLettersShow: "show one of them whole"
        case .deadLettersRequeue: "send them back to be handled again"
        case .deadLettersDiscard: "throw them away"
        case .inspect: "say how a running server's consumers stand, and what holds their commits back"
        case .settingsShow: "show what operators have set of a consumer"
        case .settingsSet: "change a consumer's settings while records flow"
        case .settingsHistory: "who changed them, when, and to what"
        case .settingsSeek: "let a running consumer go on at another place"
        case .bench: "an open-loop load with progress and a latency table"
        case .version: "print the version"
        case .docsOptions: "print the page of options"
        }
    }

    /// What the command takes besides options. The last may end in `…`, which stands for one or more, and be in brackets,
    /// which stand for none as well.
    var operands: [String] {
        switch self {
        case .groupsDelete, .groupsSeek: ["TOPIC", "GROUP"]
        case .deadLettersShow: ["ID"]
        case .deadLettersRequeue: ["[ID…]"]
        case .deadLettersDiscard: ["ID…"]
        case .inspect: ["[CONSUMER…]"]
        case .settingsShow, .settingsHistory, .settingsSeek: ["CONSUMER"]
        case .settingsSet: ["CONSUMER", "NAME=VALUE…"]
        case .import: ["FILE"]
        case .backup, .restore: ["DIR"]
        case .serve, .token, .audit, .recover, .groupsList, .deadLettersList, .bench, .version, .docsOptions: []
        }
    }

    /// What a user should know before the options: conditions, what is printed, exit codes.
    var explanation: String {
        switch self {
        case .serve:
            """
            Serves the HTTP interface and prints one line with the address when it is ready. SIGTERM drains and exits 0;
            SIGHUP reads the TLS certificate again.
            """
        case .token:
            "Prints one JSON Web Token a line. The key is made at first use (mode 0600); works beside a running server."
        case .audit:
            """
            The server must be stopped; a backup can be audited too. The last line is
            `targets=N reactions=N drift=N`; exits 0 when drift is 0, else 1.
            """
        case .import:
            """
            The server must be stopped. FILE has one JSON object a line: user_id, target_id, target_type, reaction (like,
            dislike, none) and at (RFC 3339); `-` reads standard input. A row that is there and newer stays, so it is safe
            to run again. A bad line is named by its number and skipped.
            """
        case .backup:
            "DIR is a path on the server's machine that does not exist yet. The server goes on serving."
        case .restore:
            "DIR is a backup; it is not changed. The new data directory begins a new epoch."
        case .recover:
            """
            The server must be stopped. Says which acknowledged records are missing behind the damage; nothing is changed
            without --accept-loss.
            """
        case .bench:
            """
            Requests are sent at their due times whether or not earlier ones are answered; latency counts from the due time,
            and a request without an answer at the end is an error.
            """
        case .groupsList:
            "Members are those that are connected now. A group that holds retention keeps the log from what it committed on."
        case .groupsDelete: "The group must have no members. One that joins under its name later begins anew."
        case .groupsSeek:
            """
            The group must have no members; one that is not there is made. A time finds the first record of each partition
            that is not older; a partition that is not named stays. Prints what is committed then.
            """
        case .deadLettersList, .deadLettersShow: ""
        case .deadLettersRequeue:
            "Takes IDs or --group. A letter goes back once: asking again sends nothing more. Prints how many went back."
        case .deadLettersDiscard: "What is thrown away is gone for good."
        case .inspect:
            "For each partition: the position that would be committed, the window above it, and the record that blocks it."
        case .settingsShow, .settingsHistory: ""
        case .settingsSet:
            """
            NAME=VALUE sets one, NAME= takes it back: is_paused=true, concurrency=8, records_per_second=100, processor=batch.
            The others stay. If somebody else changes them meanwhile, nothing is set, and 1 is the exit code.
            """
        case .settingsSeek:
            "What runs ends, what waits is forgotten, and the new place is committed. Records behind the old place come again."
        case .version, .docsOptions: ""
        }
    }

    /// The command at the beginning of a command line, and what is behind it.
    static func find(_ arguments: [String]) -> (command: CommandName, rest: [String])? {
        if arguments.count > 1, let command = CommandName(rawValue: "\(arguments[0]) \(arguments[1])") {
            return (command, Array(arguments.dropFirst(2)))
        }
        guard let first = arguments.first, !first.contains(" "), let command = CommandName(rawValue: first) else {
            return nil
        }
        return (command, Array(arguments.dropFirst()))
    }

    /// The commands of two words that begin with this one.
    static func family(_ word: String) -> [CommandName] { listed.filter { $0.rawValue.hasPrefix(word + " ") } }
}
