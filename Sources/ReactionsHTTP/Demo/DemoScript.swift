/// What the demo's page does.
enum DemoScript {
    /// The script, whole; it needs no library.
    static let text = #"""
        "use strict";

        const GUESTS = 1250;
        const GUESTS_PER_REQUEST = 200;
        // A browser opens six connections to one host; a stream and the polls of the lag take the other two.
        const WORKERS = 4;
        const number = new Intl.NumberFormat("en");
        const byId = (id) => document.getElementById(id);
        const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

        // ---- Requests --------------------------------------------------------------------------------------------

        class Refusal extends Error {
          constructor(status, detail) {
            super(detail);
            this.status = status;
          }
        }

        // Sends until it is answered. A vote says what the state shall be, so it may be sent again after any failure.
        async function send(path, { token, body, onRetry } = {}) {
          const options = { cache: "no-store", headers: {} };
          if (token) options.headers.Authorization = "Bearer " + token;
          if (body !== undefined) {
            options.method = "POST";
            options.headers["Content-Type"] = "application/json";
            options.body = JSON.stringify(body);
          }
          for (let attempt = 0; ; attempt++) {
            let pause = Math.min(2000, 150 * 2 ** Math.min(attempt, 5)) * (0.75 + Math.random() / 2);
            try {
              const response = await fetch(path, { ...options, signal: AbortSignal.timeout(15000) });
              const text = await response.text();
              if (response.ok) return text ? JSON.parse(text) : null;
              if (response.status !== 503 && response.status !== 429) {
                throw new Refusal(response.status, detailOf(text) || "The server answered " + response.status);
              }
              const after = Number(response.headers.get("Retry-After"));
              if (after > 0) pause = Math.min(after * 1000, 3000);
            } catch (error) {
              if (error instanceof Refusal) throw error;
            }
            if (onRetry) onRetry();
            await sleep(pause);
          }
        }

        function detailOf(text) {
          try {
            return JSON.parse(text).detail;
          } catch {
            return "";
          }
        }

        async function newGuests(count) {
          const guests = [];
          while (guests.length < count) {
            const more = Math.min(GUESTS_PER_REQUEST, count - guests.length);
            guests.push(...(await send("/demo/guests", { body: { count: more } })).guests);
          }
          return guests;
        }

        // ---- Who I am --------------------------------------------------------------------------------------------

        const session = {
          // Another window may be somebody else: /?guest=2.
          key: "spillway.guest." + (new URLSearchParams(location.search).get("guest") || "1"),
          guest: null,
          channel: null,
          renewing: null,

          async open() {
            let known = null;
            try {
              known = JSON.parse(localStorage.getItem(this.key));
            } catch {
              // Unreadable, or no storage at all: a new guest for this page.
            }
            if (known && known.token && known.user_id) this.use(known);
            else await this.renew();
          },

          // Also when the server does not know the token any more: another data directory, or thirty days.
          async renew() {
            const [guest] = await newGuests(1);
            try {
              localStorage.setItem(this.key, JSON.stringify(guest));
            } catch {
              // It lasts as long as the page.
            }
            this.use(guest);
          },

          use(guest) {
            this.guest = guest;
            byId("guest").textContent = guest.user_id;
            if (this.channel) this.channel.close();
            this.channel = new BroadcastChannel("spillway.votes." + guest.user_id);
            this.channel.onmessage = ({ data }) => cards.get(data.target)?.adopt(data.state);
          },

          async send(path, options = {}) {
            const { token } = this.guest;
            try {
              return await send(path, { ...options, token });
            } catch (error) {
              if (error.status !== 401) throw error;
              // Once for all that were refused: each would become a guest of its own, and only one of them stays.
              if (token === this.guest.token) {
                this.renewing ??= this.renew().finally(() => (this.renewing = null));
                await this.renewing;
              }
              return send(path, { ...options, token: this.guest.token });
            }
          },
        };

        // ---- Videos ----------------------------------------------------------------------------------------------

        class Card {
          constructor(element) {
            this.element = element;
            this.target = element.dataset.target;
            this.title = element.querySelector("h3").textContent;
            this.likes = 0;
            this.dislikes = 0;
            this.version = "";
            // What the buttons show, and which of it the counts are known to hold.
            this.state = "none";
            this.counted = "none";
            this.sending = false;
            this.presses = 0;
            for (const button of element.querySelectorAll(".vote")) {
              button.addEventListener("click", () => this.press(button.dataset.action));
            }
          }

          shown(action) {
            const known = action === "like" ? this.likes : this.dislikes;
            return Math.max(0, known + (this.state === action) - (this.counted === action));
          }

          press(action) {
            this.state = this.state === action ? "none" : action;
            this.presses++;
            this.render();
            if (!this.sending) this.flush();
          }

          // One request at a time, so that the last press wins.
          async flush() {
            this.sending = true;
            this.element.setAttribute("aria-busy", "true");
            let sent;
            try {
              do {
                sent = this.state;
                await session.send("/v1/votes", {
                  body: { target_id: this.target, target_type: "video", action: sent },
                });
              } while (sent !== this.state);
              session.channel.postMessage({ target: this.target, state: sent });
              const said = { like: "You like ", dislike: "You dislike ", none: "No vote on " }[sent];
              announce(said + this.title + ".");
            } catch (error) {
              this.state = this.counted;
              this.render();
              announce("The vote was refused: " + error.message);
            }
            this.sending = false;
            this.element.removeAttribute("aria-busy");
            // If no change of the counts says so, they held the vote before.
            setTimeout(() => this.settle(), 1500);
          }

          settle() {
            if (this.sending || this.counted === this.state) return;
            this.counted = this.state;
            this.render();
          }

          // The state that the server knows, or another window of mine has sent.
          adopt(state) {
            if (this.sending) return;
            this.state = state;
            this.counted = state;
            this.render();
          }

          change({ likes, dislikes, version }) {
            if (version < this.version) return;
            const holdsMine = likes === this.shown("like") && dislikes === this.shown("dislike");
            this.version = version;
            this.likes = likes;
            this.dislikes = dislikes;
            if (!this.sending || holdsMine) this.counted = this.state;
            this.render();
          }

          render() {
            for (const button of this.element.querySelectorAll(".vote")) {
              const action = button.dataset.action;
              button.setAttribute("aria-pressed", String(this.state === action));
              const count = button.querySelector("[data-count]");
              const text = this.version ? number.format(this.shown(action)) : "–";
              if (count.textContent === text) continue;
              count.textContent = text;
              count.classList.remove("moved");
              void count.offsetWidth;
              count.classList.add("moved");
            }
            const likes = this.shown("like");
            const all = likes + this.shown("dislike");
            this.element.style.setProperty("--share", all === 0 ? "0" : String(likes / all));
            this.element.classList.toggle("empty", all === 0);
          }
        }

        const cards = new Map();
        const visibleVotes = () => [...cards.values()].reduce((sum, card) => sum + card.likes + card.dislikes, 0);
        const targetsQuery = () => "target_ids=" + [...cards.keys()].map(encodeURIComponent).join(",");

        // ---- Live counts -----------------------------------------------------------------------------------------

        const live = {
          source: null,
          pause: 250,
          wasLost: false,

          open() {
            this.source = new EventSource("/v1/votes/stream?" + targetsQuery());
            this.source.onopen = () => this.opened();
            this.source.onerror = () => this.lost();
            this.source.addEventListener("counts", ({ data }) => {
              const change = JSON.parse(data);
              cards.get(change.target_id)?.change(change);
            });
          },

          async opened() {
            this.pause = 250;
            show("live", "Live");
            if (this.wasLost) announce("Connected again.");
            this.wasLost = false;
            try {
              await loadStates();
            } catch (error) {
              announce("Your own votes could not be read: " + error.message);
            }
          },

          // Not left to the browser: it gives up for good when the answer is a 503.
          lost() {
            this.source.close();
            show("lost", "Reconnecting");
            if (!this.wasLost) announce("The connection is lost. Trying again.");
            this.wasLost = true;
            setTimeout(() => this.open(), this.pause);
            this.pause = Math.min(this.pause * 2, 2000);
          },
        };

        function show(state, text) {
          const element = byId("connection");
          element.dataset.state = state;
          element.textContent = text;
        }

        async function loadStates() {
          const pressed = new Map([...cards].map(([target, card]) => [target, card.presses]));
          const { items } = await session.send("/v1/votes/summary?" + targetsQuery());
          for (const [target, card] of cards) {
            // A press while the answer was on its way knows better.
            if (items[target] && card.presses === pressed.get(target)) card.adopt(items[target].user_state);
          }
        }

        function announce(text) {
          byId("announcer").textContent = text;
        }

        // ---- The burst -------------------------------------------------------------------------------------------

        class Burst {
          constructor(mode) {
            this.mode = mode;
            this.acknowledged = 0;
            this.retries = 0;
            this.latencies = [];
            this.samples = [];
            this.passed = 0;
            this.pending = 0;
            this.mostPending = 0;
            this.isOver = false;
            this.isStopped = false;
          }

          async run() {
            const guests = await newGuests(GUESTS);
            const jobs = this.jobs(guests);
            const before = await countedVotes();
            this.visibleBefore = visibleVotes();
            this.started = performance.now();
            const polling = this.poll();
            const drawing = setInterval(() => this.draw(), 100);
            try {
              let next = 0;
              const work = async () => {
                while (next < jobs.length && !this.isStopped) await this.send(jobs[next++]);
              };
              await Promise.all(Array.from({ length: WORKERS }, work));
              this.ended = performance.now();
              const moved = await this.drain(before);
              return { moved, seconds: (this.ended - this.started) / 1000 };
            } finally {
              this.isOver = true;
              this.isStopped = true;
              clearInterval(drawing);
              await polling;
              this.draw();
            }
          }

          // Each guest votes on each video once, so that no vote takes another back.
          jobs(guests) {
            const jobs = [];
            for (const guest of guests) {
              const votes = [...cards.keys()].map((target, index) => ({
                target_id: target,
                target_type: "video",
                action: Math.random() < 0.97 - index * 0.04 ? "like" : "dislike",
              }));
              if (this.mode === "batch") jobs.push({ token: guest.token, votes });
              else for (const vote of votes) jobs.push({ token: guest.token, votes: [vote] });
            }
            return jobs;
          }

          async send({ token, votes }) {
            const began = performance.now();
            const isBatch = this.mode === "batch";
            await send(isBatch ? "/v1/votes/batch" : "/v1/votes", {
              token,
              body: isBatch ? { votes } : votes[0],
              onRetry: () => this.retries++,
            });
            this.latencies.push(performance.now() - began);
            this.acknowledged += votes.length;
          }

          async poll() {
            while (!this.isOver) {
              this.pending = (await send("/demo/status")).pending_votes;
              this.mostPending = Math.max(this.mostPending, this.pending);
              await sleep(60);
            }
          }

          // Waits until the counts hold what was acknowledged; by how much they moved.
          async drain(before) {
            const deadline = performance.now() + 60000;
            for (;;) {
              const moved = (await countedVotes()) - before;
              if (moved >= this.acknowledged && visibleVotes() - this.visibleBefore >= this.acknowledged) return moved;
              if (performance.now() > deadline) return moved;
              await sleep(80);
            }
          }

          draw() {
            const now = performance.now();
            this.samples.push({ at: now, acknowledged: this.acknowledged, pending: this.pending });
            const last = this.samples.length - 1;
            const first = this.samples[Math.max(0, last - 10)];
            const span = (now - first.at) / 1000;
            const sample = this.samples[last];
            sample.rate = span > 0 ? (this.acknowledged - first.acknowledged) / span : 0;
            // The oldest moment at which more was acknowledged than the counts show now.
            const visible = visibleVotes() - this.visibleBefore;
            while (this.passed < last && this.samples[this.passed].acknowledged <= visible) this.passed++;
            const isBehind = this.acknowledged > visible;
            const total = ((this.ended || now) - this.started) / 1000;
            put("rate", this.ended ? this.acknowledged / total : sample.rate);
            put("done", this.acknowledged);
            put("pending", this.pending);
            put("behind", isBehind ? now - this.samples[this.passed].at : 0);
            const sorted = Float64Array.from(this.latencies).sort();
            put("p50", sorted[Math.floor(sorted.length * 0.5)], 1);
            put("p99", sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))], 1);
            byId("progress").value = this.acknowledged;
            drawChart(this.samples);
          }
        }

        async function countedVotes() {
          const { items } = await send("/v1/votes/summary?" + targetsQuery());
          return Object.values(items).reduce((sum, item) => sum + item.likes + item.dislikes, 0);
        }

        function put(id, value, digits = 0) {
          if (value === undefined || Number.isNaN(value)) return;
          byId(id).textContent =
            value < 10 && digits > 0 ? value.toFixed(digits) : number.format(Math.round(value));
        }

        function drawChart(samples) {
          const width = 300;
          const height = 70;
          const line = (values) => {
            const most = Math.max(1, ...values);
            const step = width / Math.max(1, values.length - 1);
            return values
              .map((value, index) => (index ? "L" : "M") + (index * step).toFixed(1) + " " +
                (height - (value / most) * (height - 4)).toFixed(1))
              .join("");
          };
          const chart = byId("chart");
          const rate = line(samples.map((sample) => sample.rate));
          chart.querySelector(".rate").setAttribute("d", rate);
          chart.querySelector(".area").setAttribute("d", rate + "L" + width + " 72L0 72Z");
          chart.querySelector(".lag").setAttribute("d", line(samples.map((sample) => sample.pending)));
        }

        let burst = null;

        async function startBurst() {
          const button = byId("burst");
          if (burst) {
            burst.isStopped = true;
            return;
          }
          burst = new Burst(document.querySelector("input[name=mode]:checked").value);
          button.textContent = "Stop";
          finish("running", "Sending …");
          announce("The burst has begun.");
          try {
            const { moved, seconds } = await burst.run();
            const sent = burst.acknowledged;
            let text = number.format(sent) + " votes acknowledged in " + seconds.toFixed(1) + " s; ";
            text += moved === sent ? "the counts moved by exactly as many." : "the counts moved by " + number.format(moved) + ".";
            if (moved > sent) text += " Others voted meanwhile.";
            text += " Lag: at most " + number.format(burst.mostPending) + " votes.";
            if (burst.retries > 0) text += " Requests sent again: " + number.format(burst.retries) + ".";
            finish(moved < sent ? "failed" : "done", text);
            announce(text);
          } catch (error) {
            finish("failed", "The burst ended: " + error.message);
            announce("The burst ended: " + error.message);
          }
          burst = null;
          button.textContent = "Send 10,000 votes";
        }

        function finish(state, text) {
          const result = byId("result");
          result.dataset.state = state;
          result.textContent = text;
        }

        // ---- Start -----------------------------------------------------------------------------------------------

        for (const element of document.querySelectorAll("[data-target]")) {
          const card = new Card(element);
          cards.set(card.target, card);
          card.render();
        }
        byId("burst").addEventListener("click", startBurst);
        const guestNumber = Number(session.key.split(".").pop()) || 1;
        byId("other").href = "/?guest=" + (guestNumber + 1);
        session.open().then(() => live.open());

        """#
}
