// Asks for the tunnel's status once a second and shows it. Two minutes of rates are kept for the charts, here and nowhere else.

const INTERVAL_MS = 1000;
const SAMPLES = 120;
const CHART = { width: 240, height: 60 };
/** Sessions are renewed every two minutes while there is traffic, and end after three. */
const OLD_SECONDS = 180;

const byId = (id) => document.getElementById(id);

/** What is known of a peer from before: its element, its last numbers, its rates. By public key. */
const peers = new Map();

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

function amount(bytes) {
  const step = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${(bytes / 1024 ** step).toFixed(step === 0 ? 0 : 1)} ${UNITS[step]}`;
}

function rate(bytesPerSecond) {
  const bits = bytesPerSecond * 8;
  if (bits >= 1e9) return `${(bits / 1e9).toFixed(2)} Gbit/s`;
  if (bits >= 1e6) return `${(bits / 1e6).toFixed(1)} Mbit/s`;
  return `${(bits / 1e3).toFixed(bits === 0 ? 0 : 1)} kbit/s`;
}

function age(seconds) {
  if (seconds === null) return "never";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return `${Math.floor(seconds / 3600)} h ago`;
}

function fill(element, selector, text) {
  const place = element.querySelector(selector);
  if (place.textContent !== text) place.textContent = text;
  return place;
}

function points(rates, most) {
  const step = CHART.width / (SAMPLES - 1);
  const first = SAMPLES - rates.length;
  return rates
    .map(
      (value, i) => `${((first + i) * step).toFixed(1)},${(CHART.height - (value / most) * CHART.height).toFixed(1)}`,
    )
    .join(" ");
}

function known(publicKey) {
  const before = peers.get(publicKey);
  if (before !== undefined) return before;
  const element = byId("peer").content.firstElementChild.cloneNode(true);
  fill(element, ".key", publicKey);
  byId("peers").append(element);
  const peer = { element, at: undefined, received: 0, sent: 0, ratesIn: [], ratesOut: [] };
  peers.set(publicKey, peer);
  return peer;
}

function push(rates, value) {
  rates.push(value);
  if (rates.length > SAMPLES) rates.shift();
}

function showPeer({ publicKey, endpoint, handshakeAgeSeconds, received, sent }, now) {
  const peer = known(publicKey);
  const { element } = peer;
  if (peer.at !== undefined) {
    const seconds = Math.max(0.001, (now - peer.at) / 1000);
    push(peer.ratesIn, Math.max(0, received - peer.received) / seconds);
    push(peer.ratesOut, Math.max(0, sent - peer.sent) / seconds);
  }
  Object.assign(peer, { at: now, received, sent });
  fill(element, ".endpoint", endpoint ?? "unknown");
  const handshake = fill(element, ".handshake", age(handshakeAgeSeconds));
  handshake.classList.toggle("old", handshakeAgeSeconds !== null && handshakeAgeSeconds > OLD_SECONDS);
  fill(element, ".received", amount(received));
  fill(element, ".sent", amount(sent));
  const [rateIn, rateOut] = [peer.ratesIn.at(-1) ?? 0, peer.ratesOut.at(-1) ?? 0];
  const most = Math.max(1, ...peer.ratesIn, ...peer.ratesOut);
  element.querySelector("polyline.in").setAttribute("points", points(peer.ratesIn, most));
  element.querySelector("polyline.out").setAttribute("points", points(peer.ratesOut, most));
  fill(element, ".rate-in", rate(rateIn));
  fill(element, ".rate-out", rate(rateOut));
  fill(
    element,
    "title",
    `Rates of the last two minutes, at most ${rate(most)}: now ${rate(rateIn)} in, ${rate(rateOut)} out`,
  );
}

function showDrops(drops) {
  const rows = Object.entries(drops).filter(([, count]) => count > 0);
  byId("no-drops").hidden = rows.length > 0;
  byId("drops").hidden = rows.length === 0;
  const body = byId("drops").tBodies[0];
  body.replaceChildren(
    ...rows.map(([reason, count]) => {
      const row = document.createElement("tr");
      row.insertCell().textContent = reason;
      row.insertCell().textContent = String(count);
      return row;
    }),
  );
}

function showConnections(connections) {
  byId("connections").hidden = connections === null;
  if (connections === null) return;
  byId("connections-list").replaceChildren(
    ...Object.entries(connections).map(([name, count]) => {
      const row = document.createElement("div");
      const [term, value] = [document.createElement("dt"), document.createElement("dd")];
      [term.textContent, value.textContent] = [name, String(count)];
      row.append(term, value);
      return row;
    }),
  );
}

function say(text, lost) {
  // Told to a screen reader only when it changes.
  if (byId("state").textContent !== text) byId("state").textContent = text;
  byId("state").classList.toggle("lost", lost);
}

async function update() {
  const response = await fetch("status", { cache: "no-store" });
  if (!response.ok) throw new Error(`status ${response.status}`);
  const status = await response.json();
  const now = performance.now();
  byId("name").textContent = status.name;
  document.title = `${status.name} – wasmguard`;
  for (const peer of status.peers) showPeer(peer, now);
  const present = new Set(status.peers.map(({ publicKey }) => publicKey));
  for (const [publicKey, { element }] of peers) {
    if (present.has(publicKey)) continue;
    element.remove();
    peers.delete(publicKey);
  }
  byId("no-peers").hidden = status.peers.length > 0;
  showConnections(status.connections);
  showDrops(status.drops);
  const alive = status.peers.filter(
    (peer) => peer.handshakeAgeSeconds !== null && peer.handshakeAgeSeconds <= OLD_SECONDS,
  );
  say(`${alive.length} of ${status.peers.length} peers with a session · wasmguard ${status.version}`, false);
}

/** Whoever reads slowly, or with a screen reader, may have the page stand still. */
let paused = false;

byId("pause").addEventListener("click", () => {
  paused = !paused;
  byId("pause").textContent = paused ? "Go on" : "Pause";
  byId("pause").setAttribute("aria-pressed", String(paused));
});

async function run() {
  try {
    if (!paused) await update();
  } catch {
    say("The tunnel does not answer", true);
  }
  setTimeout(run, INTERVAL_MS);
}

run();
