/// The videos on the demo page: public ones that were liked a lot, by their real ids.
struct DemoVideo: Sendable {
    /// The id on YouTube, which is the target's id here.
    let id: String
    let title: String
    let author: String

    static let all = [
        DemoVideo(id: "MBdVXkSdhwU", title: "DNA", author: "BTS"),
        DemoVideo(id: "tt2k8PGm-TI", title: "Dusk Till Dawn", author: "ZAYN ft. Sia"),
        DemoVideo(id: "LunHybOKIjU", title: "Freestyle Cypher", author: "Eminem"),
        DemoVideo(id: "ktc8XDBq93k", title: "You Are", author: "GOT7"),
        DemoVideo(id: "Q0CbN8sfihY", title: "The Last Jedi: Trailer", author: "Star Wars"),
        DemoVideo(id: "CwfoyVa980U", title: "How Long", author: "Charlie Puth"),
        DemoVideo(id: "iKzRIweSBLA", title: "Perfect", author: "Ed Sheeran"),
        DemoVideo(id: "J_ub7Etch2U", title: "Too Good at Goodbyes", author: "Sam Smith"),
    ]
}
