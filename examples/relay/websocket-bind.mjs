// A Bind over the relay: datagrams as messages of a WebSocket. IPv4 only, as the relay.
const BUFFERED_BYTES_MAX = 1 << 20;

/** @implements {import("wasmguard").Bind} */
export class WebSocketBind {
  #url;
  #socket;
  /** The same object for the same sender, which saves time. */
  #senders = new Map();

  /** @param {string} url of the relay: ws://127.0.0.1:8080 */
  constructor(url) {
    this.#url = url;
  }

  /** The relay chooses the port, and tells it first. */
  open(_port, events) {
    const socket = new WebSocket(this.#url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    return new Promise((resolve, reject) => {
      socket.onerror = () => reject(new Error(`no relay at ${this.#url}`));
      socket.onmessage = ({ data }) => {
        if (typeof data === "string") return resolve(Number(data));
        const frame = new Uint8Array(data);
        if (this.#socket === socket && frame[0] === 4 && frame.length >= 7) {
          events.receive(frame.subarray(7), this.#sender(frame.subarray(1, 5), (frame[5] << 8) | frame[6]));
        }
      };
      socket.onclose = () => {
        if (this.#socket === socket) events.gone?.(new Error("the relay is gone"));
      };
    });
  }

  #sender(address, port) {
    const key = `${address.join(".")}:${port}`;
    if (this.#senders.size > 1000) this.#senders.clear();
    if (!this.#senders.has(key)) this.#senders.set(key, { address: address.slice(), port, scope: 0 });
    return this.#senders.get(key);
  }

  send(datagram, { address, port }) {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN || socket.bufferedAmount > BUFFERED_BYTES_MAX) return false;
    if (address.length !== 4) return false;
    const frame = new Uint8Array(7 + datagram.length);
    frame.set([4, ...address, port >> 8, port & 255]);
    frame.set(datagram, 7);
    socket.send(frame);
    return true;
  }

  close() {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }
}
