/// The demo's page. All that moves is in ``DemoScript``, all that shines in ``DemoStyle``.
enum DemoPage {
    /// The page, whole.
    static let html = head + DemoVideo.all.enumerated().map { card($1, art: $0 + 1) }.joined() + tail

    private static func card(_ video: DemoVideo, art: Int) -> String {
        #"""
                <li class="card" data-target="\#(video.id)">
                  <div class="art art-\#(art)" aria-hidden="true"><svg><use href="#play"/></svg></div>
                  <div class="about">
                    <h3>\#(video.title)</h3>
                    <p class="author">\#(video.author)</p>
                    <div class="votes" role="group" aria-label="\#(video.title) by \#(video.author)">
                      <button type="button" class="vote like" data-action="like" aria-pressed="false">
                        <svg aria-hidden="true"><use href="#thumb"/></svg>
                        <span class="unseen">Like</span> <span data-count="likes">–</span>
                      </button>
                      <button type="button" class="vote dislike" data-action="dislike" aria-pressed="false">
                        <svg aria-hidden="true"><use href="#thumb"/></svg>
                        <span class="unseen">Dislike</span> <span data-count="dislikes">–</span>
                      </button>
                    </div>
                    <div class="share" aria-hidden="true"><span></span></div>
                  </div>
                </li>

        """#
    }

    private static let head = #"""
        <!doctype html>
        <html lang="en">
        <head>
          <meta charset="utf-8">
          <meta name="viewport" content="width=device-width, initial-scale=1">
          <meta name="color-scheme" content="light dark">
          <meta name="description" content="Likes and dislikes, durable and exact: a demo of Spillway.">
          <title>Spillway · Reactions</title>
          <link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' stroke='%230d9488' stroke-width='2.4' stroke-linecap='round'%3E%3Cpath d='M3 7c3-3 6-3 9 0s6 3 9 0M3 12.5c3-3 6-3 9 0s6 3 9 0M3 18c3-3 6-3 9 0s6 3 9 0'/%3E%3C/svg%3E">
          <link rel="stylesheet" href="/demo/style.css">
          <script src="/demo/app.js" defer></script>
        </head>
        <body>
          <svg class="symbols" aria-hidden="true">
            <symbol id="wave" viewBox="0 0 24 24">
              <path d="M3 7c3-3 6-3 9 0s6 3 9 0M3 12.5c3-3 6-3 9 0s6 3 9 0M3 18c3-3 6-3 9 0s6 3 9 0"/>
            </symbol>
            <symbol id="thumb" viewBox="0 0 24 24">
              <path d="M7.5 11v9H4.5a1 1 0 0 1-1-1v-7a1 1 0 0 1 1-1zm0 0 3.7-7.5c1.800 0 2.800 1.300 2.500 3L13.200 9.5H18.600a2 2 0 0 1 2 2.400l-1.300 6.500a2 2 0 0 1-2 1.600H7.5"/>
            </symbol>
            <symbol id="play" viewBox="0 0 24 24"><path d="M9 6.800v10.400l8.500-5.200z"/></symbol>
          </svg>
          <a class="skip" href="#videos">Skip to the videos</a>
          <header>
            <div class="brand"><svg aria-hidden="true"><use href="#wave"/></svg><span>Spillway</span></div>
            <div class="session">
              <span id="connection" role="status" data-state="connecting">Connecting</span>
              <span class="guest">You are <b id="guest">…</b></span>
            </div>
          </header>
          <main>
            <section class="intro">
              <h1>Every vote kept. Every count exact.</h1>
              <p>A vote is on disk before its button hears back, and every open window sees the count move.
                <a id="other" href="/?guest=2" target="_blank" rel="noopener">Open a second window</a> as somebody else,
                or <a href="#burst-title">send ten thousand votes</a> at once.</p>
            </section>
            <div class="columns">
              <section aria-labelledby="videos">
                <h2 class="unseen" id="videos" tabindex="-1">Videos</h2>
                <ul class="cards">

        """#

    private static let tail = #"""
                </ul>
              </section>
              <section class="panel" aria-labelledby="burst-title">
                <h2 id="burst-title" tabindex="-1">A burst</h2>
                <p>1,250 new guests vote on all eight videos, as fast as this browser can send.</p>
                <fieldset>
                  <legend class="unseen">How the votes are sent</legend>
                  <label><input type="radio" name="mode" value="batch" checked><span>Batches of 8</span></label>
                  <label><input type="radio" name="mode" value="single"><span>One by one</span></label>
                </fieldset>
                <button type="button" class="primary" id="burst">Send 10,000 votes</button>
                <progress id="progress" max="10000" value="0" aria-label="Votes acknowledged"></progress>
                <dl>
                  <div><dt>Throughput</dt><dd><b id="rate">0</b> votes/s</dd></div>
                  <div><dt>Acknowledged</dt><dd><b id="done">0</b> votes</dd></div>
                  <div><dt>Latency, median</dt><dd><b id="p50">0</b> ms</dd></div>
                  <div><dt>Latency, 99th</dt><dd><b id="p99">0</b> ms</dd></div>
                  <div><dt>Projection lag</dt><dd><b id="pending">0</b> votes</dd></div>
                  <div><dt>Counts behind</dt><dd><b id="behind">0</b> ms</dd></div>
                </dl>
                <figure>
                  <svg id="chart" viewBox="0 0 300 72" preserveAspectRatio="none" role="img"
                    aria-label="Throughput and projection lag over the burst">
                    <path class="area"/><path class="rate"/><path class="lag"/>
                  </svg>
                  <figcaption><span class="key rate">Throughput</span><span class="key lag">Lag</span></figcaption>
                </figure>
                <p id="result" data-state="idle">Latency is what this browser sees, its own queue included.</p>
              </section>
            </div>
            <noscript><p class="notice">The demo needs JavaScript.</p></noscript>
          </main>
          <footer>
            <a href="/openapi.json">API</a> <a href="/metrics">Metrics</a> <a href="/readyz">Readiness</a>
          </footer>
          <p id="announcer" class="unseen" role="status" aria-live="polite"></p>
        </body>
        </html>

        """#
}
