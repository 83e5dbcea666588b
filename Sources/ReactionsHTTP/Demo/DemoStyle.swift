/// How the demo's page looks, by day and by night.
enum DemoStyle {
    /// The style sheet, whole.
    static let text = #"""
        :root {
          color-scheme: light dark;
          --page: #f5f7f8;
          --surface: #ffffff;
          --sunken: #eef2f3;
          --line: #dfe5e8;
          --text: #12191d;
          --quiet: #56646c;
          --accent: #0b7a70;
          --on-accent: #ffffff;
          --accent-soft: #d7f0ec;
          --against: #b3405a;
          --on-against: #ffffff;
          --warn: #b26a00;
          --shadow: 0 1px 2px rgb(18 25 29 / 5%), 0 8px 24px -12px rgb(18 25 29 / 14%);
          --lightness: 62%;
        }

        @media (prefers-color-scheme: dark) {
          :root {
            --page: #0d1215;
            --surface: #151c20;
            --sunken: #1d262b;
            --line: #27333a;
            --text: #e9eff1;
            --quiet: #94a5ae;
            --accent: #3ecfbd;
            --on-accent: #04211e;
            --accent-soft: #12332f;
            --against: #f08ba1;
            --on-against: #33060f;
            --warn: #f0b45a;
            --shadow: 0 1px 2px rgb(0 0 0 / 30%);
            --lightness: 48%;
          }
        }

        * { box-sizing: border-box; }

        body {
          margin: 0;
          background: var(--page);
          color: var(--text);
          font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif;
          -webkit-font-smoothing: antialiased;
        }

        header, main, footer { max-width: 1180px; margin-inline: auto; padding-inline: clamp(16px, 3vw, 32px); }
        h1, h2, h3, p, ul, dl, dd, figure, fieldset { margin: 0; padding: 0; }
        ul { list-style: none; }
        fieldset { border: 0; min-width: 0; }
        svg { width: 20px; height: 20px; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
        a { color: var(--accent); text-underline-offset: 3px; text-decoration-thickness: 1px; }
        button, input { font: inherit; color: inherit; }
        :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
        h2:focus-visible { outline: none; }

        .symbols { position: absolute; width: 0; height: 0; }
        .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
        .skip { position: absolute; left: 16px; top: -60px; padding: 8px 14px; border-radius: 8px; background: var(--surface); z-index: 1; }
        .skip:focus { top: 12px; }

        header { display: flex; align-items: center; justify-content: space-between; gap: 16px; padding-block: 22px 0; }
        .brand { display: flex; align-items: center; gap: 10px; font-weight: 650; font-size: 18px; letter-spacing: -0.01em; }
        .brand svg { width: 28px; height: 28px; stroke: var(--accent); stroke-width: 2.4; }
        .session { display: flex; align-items: center; gap: 18px; font-size: 14px; color: var(--quiet); min-width: 0; }
        .guest { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
        .guest b { color: var(--text); font-weight: 550; }
        #connection { display: inline-flex; align-items: center; gap: 8px; white-space: nowrap; color: var(--text); }
        #connection::before { content: ""; width: 8px; height: 8px; border-radius: 50%; background: var(--warn); }
        #connection[data-state="live"]::before { background: var(--accent); box-shadow: 0 0 0 4px var(--accent-soft); }

        .intro { padding-block: clamp(24px, 3.2vw, 40px) clamp(20px, 2.4vw, 30px); }
        h1 { font-size: clamp(28px, 4.2vw, 44px); line-height: 1.12; letter-spacing: -0.028em; font-weight: 680; text-wrap: balance; }
        .intro p { max-width: 78ch; margin-top: 12px; color: var(--quiet); font-size: 17px; text-wrap: pretty; }

        .columns { display: grid; grid-template-columns: minmax(0, 1fr) 344px; gap: 20px; align-items: start; }
        .cards { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 14px; }

        .card {
          display: flex; gap: 16px; padding: 14px;
          background: var(--surface); border: 1px solid var(--line); border-radius: 16px; box-shadow: var(--shadow);
        }
        .art {
          flex: none; width: 108px; border-radius: 10px; display: grid; place-items: center; color: #fff;
          background:
            radial-gradient(90% 80% at 20% 0%, hsl(calc(var(--hue) + 24) 62% calc(var(--lightness) + 14%)), transparent 72%),
            radial-gradient(100% 90% at 90% 100%, hsl(calc(var(--hue) - 22) 50% calc(var(--lightness) - 18%)), transparent 74%),
            hsl(var(--hue) 42% var(--lightness));
        }
        .art svg { width: 34px; height: 34px; padding: 5px; border-radius: 50%; fill: currentColor; stroke: none; background: rgb(0 0 0 / 26%); }
        .art-1 { --hue: 262; } .art-2 { --hue: 24; } .art-3 { --hue: 348; } .art-4 { --hue: 168; }
        .art-5 { --hue: 222; } .art-6 { --hue: 36; } .art-7 { --hue: 196; } .art-8 { --hue: 322; }
        .about { flex: 1; min-width: 0; padding-block: 4px 2px; }
        h3 { font-size: 16px; line-height: 1.3; font-weight: 620; letter-spacing: -0.008em; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
        .author { color: var(--quiet); font-size: 14px; line-height: 1.35; }
        .votes { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 10px; }

        .vote {
          display: inline-flex; align-items: center; gap: 7px; min-height: 40px; padding: 0 14px 0 11px;
          border: 1px solid transparent; border-radius: 999px; background: var(--sunken); cursor: pointer;
          font-size: 14px; font-weight: 560; font-variant-numeric: tabular-nums;
          transition: background-color 0.16s, color 0.16s, transform 0.1s;
        }
        .vote:hover { border-color: var(--line); background: var(--accent-soft); }
        .vote:active { transform: scale(0.96); }
        .vote.dislike svg { transform: rotate(180deg); }
        .vote[aria-pressed="true"] svg { fill: currentColor; }
        .vote.like[aria-pressed="true"] { background: var(--accent); color: var(--on-accent); }
        .vote.dislike[aria-pressed="true"] { background: var(--against); color: var(--on-against); }
        .card[aria-busy] .vote[aria-pressed="true"] svg { animation: breathe 1.1s 0.4s infinite; }
        .moved { animation: moved 0.5s ease-out; }

        .share { height: 4px; margin-top: 14px; border-radius: 2px; overflow: hidden; background: var(--against); transition: opacity 0.3s; }
        .share span { display: block; height: 100%; background: var(--accent); transform-origin: left; transform: scaleX(var(--share, 0)); transition: transform 0.3s; box-shadow: 2px 0 0 var(--surface); }
        .empty .share { opacity: 0.25; filter: grayscale(1); }

        .panel {
          position: sticky; top: 20px; padding: 20px; background: var(--surface); border: 1px solid var(--line);
          border-radius: 16px; box-shadow: var(--shadow);
        }
        .panel h2 { font-size: 18px; letter-spacing: -0.012em; }
        .panel > p { color: var(--quiet); font-size: 14px; margin-top: 4px; }
        fieldset { display: grid; grid-template-columns: 1fr 1fr; gap: 4px; margin-top: 14px; padding: 4px; border-radius: 12px; background: var(--sunken); }
        fieldset label { position: relative; cursor: pointer; }
        fieldset input { position: absolute; inset: 0; opacity: 0; margin: 0; cursor: pointer; }
        fieldset span { display: block; padding: 7px 4px; border-radius: 9px; text-align: center; font-size: 14px; color: var(--quiet); }
        fieldset input:checked + span { background: var(--surface); color: var(--text); font-weight: 560; box-shadow: var(--shadow); }
        fieldset input:focus-visible + span { outline: 3px solid var(--accent); outline-offset: 1px; }
        .primary { width: 100%; min-height: 46px; margin-top: 12px; border: 0; border-radius: 12px; background: var(--accent); color: var(--on-accent); font-weight: 620; cursor: pointer; transition: filter 0.16s; }
        .primary:hover { filter: brightness(1.08); }

        progress { display: block; width: 100%; height: 6px; margin-top: 12px; border: 0; border-radius: 3px; overflow: hidden; background: var(--sunken); appearance: none; }
        progress::-webkit-progress-bar { background: var(--sunken); }
        progress::-webkit-progress-value { background: var(--accent); border-radius: 3px; transition: inline-size 0.12s linear; }
        progress::-moz-progress-bar { background: var(--accent); }

        dl { display: grid; grid-template-columns: 1fr 1fr; gap: 12px 16px; margin-top: 18px; }
        dt { color: var(--quiet); font-size: 13px; }
        dd { color: var(--quiet); font-size: 13px; white-space: nowrap; }
        dd b { color: var(--text); font-size: 22px; font-weight: 620; line-height: 1.25; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }

        figure { margin-top: 16px; }
        #chart { display: block; width: 100%; height: 72px; border-radius: 8px; background: var(--sunken); }
        #chart path { stroke-width: 2; vector-effect: non-scaling-stroke; stroke: none; }
        #chart .area { fill: var(--accent); opacity: 0.14; }
        #chart .rate { stroke: var(--accent); }
        #chart .lag { stroke: var(--against); stroke-dasharray: 4 4; }
        figcaption { display: flex; gap: 16px; margin-top: 8px; font-size: 13px; color: var(--quiet); }
        .key::before { content: ""; display: inline-block; width: 14px; margin-right: 7px; vertical-align: middle; border-top: 2px solid var(--accent); }
        .key.lag::before { border-top: 2px dashed var(--against); }
        #result { margin-top: 14px; padding-top: 12px; border-top: 1px solid var(--line); text-wrap: pretty; }
        #result[data-state="done"] { color: var(--text); }
        #result[data-state="failed"] { color: var(--against); }

        .notice { padding: 24px 0; }
        footer { display: flex; gap: 20px; padding-block: 32px 40px; font-size: 14px; }
        footer a { color: var(--quiet); }

        @keyframes moved { from { color: var(--accent); } }
        .vote[aria-pressed="true"] .moved { animation: none; }
        @keyframes breathe { 50% { opacity: 0.35; } }

        @media (max-width: 1020px) {
          .columns { grid-template-columns: minmax(0, 1fr); }
          .panel { position: static; }
        }
        @media (max-width: 640px) {
          .cards { grid-template-columns: minmax(0, 1fr); gap: 12px; }
          header { padding-top: 16px; }
          .guest { font-size: 0; }
          .guest b { font-size: 13px; }
          .session { gap: 12px; }
          .intro p { font-size: 16px; }
          .vote { min-height: 44px; }
        }
        @media (prefers-reduced-motion: reduce) {
          *, ::before, ::after { animation: none !important; transition: none !important; }
        }
        @media (forced-colors: active) {
          .vote[aria-pressed="true"] { outline: 3px solid; }
        }

        """#
}
