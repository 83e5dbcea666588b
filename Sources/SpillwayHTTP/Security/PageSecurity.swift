/// What a browser is told beside an HTML page, so that a page of ours can't be framed, run foreign code or be mistaken
/// for another type. Answers that are no pages don't need it.
public enum PageSecurity {
    /// Scripts, styles, images and connections of our own origin only; none written into the page itself.
    public static let ownContentOnly =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    /// The fields to add to a page's response.
    public static func fields(contentSecurityPolicy: String = ownContentOnly) -> HTTPFields {
        HTTPFields([
            (HTTPFieldName("Content-Security-Policy"), contentSecurityPolicy),
            (HTTPFieldName("X-Content-Type-Options"), "nosniff"), (HTTPFieldName("X-Frame-Options"), "DENY"),
            (HTTPFieldName("Referrer-Policy"), "no-referrer"),
        ])
    }
}
