/// The program.
@main
struct SpillwayProgram {
    static func main() {}
}
