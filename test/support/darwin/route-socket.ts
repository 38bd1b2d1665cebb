/** A route socket of the stand-in: news of interfaces, and answers to questions for routes. */
import { ROUTE, SOCKET } from "../../../host/ffi/darwin/constants.ts";
import { RT_MSGHDR, SOCKADDR_DL, SOCKADDR_IN, SOCKADDR_IN6 } from "../../../host/ffi/darwin/layout.ts";
import { Descriptor, Messages } from "./descriptor.ts";
import { Failure, insist } from "./errno.ts";
import type { Mac } from "./mac.ts";
import { addressText } from "./network.ts";

const DEFAULT_INTERFACE = 4;
/** raw_recvspace of xnu. What finds no room is lost, answers too. */
const BUFFER_BYTES = 8192;

/** Another process has asked for another address, and has come to the same number. */
function answerToAnother(answer: Uint8Array): Uint8Array {
  const other = answer.slice();
  const view = new DataView(other.buffer);
  view.setInt32(RT_MSGHDR.pid, process.pid + 1, true);
  view.setUint16(RT_MSGHDR.index, view.getUint16(RT_MSGHDR.index, true) + 1, true);
  return other;
}

export class RouteSocket extends Descriptor {
  readonly #queue = new Messages();
  #bytes = 0;
  readonly #mac: Mac;

  constructor(mac: Mac) {
    super();
    this.#mac = mac;
    mac.routeSockets.add(this);
  }

  override get waiting(): number {
    return this.#queue.length;
  }

  override read(capacity: number): Uint8Array {
    const message = this.#queue.take();
    this.#bytes -= message.length;
    return message.subarray(0, capacity);
  }

  hear(message: Uint8Array): void {
    if (this.#bytes + message.length > BUFFER_BYTES) return;
    this.#bytes += message.length;
    this.#queue.push(message);
  }

  /** RTM_GET alone; the interface is told to whoever leaves a place for it (route_output of xnu). */
  override write(bytes: Uint8Array): number {
    const request = bytes.slice();
    const view = new DataView(request.buffer);
    insist(view.getUint16(RT_MSGHDR.length, true) === request.length, "rtm_msglen");
    insist(view.getUint8(RT_MSGHDR.version) === ROUTE.RTM_VERSION, "rtm_version");
    insist(view.getUint8(RT_MSGHDR.type) === ROUTE.RTM_GET, "rtm_type");
    const addresses = view.getInt32(RT_MSGHDR.addresses, true);
    insist((addresses & ROUTE.RTA_DST) !== 0, "rtm_addrs");
    const [length, family] = [request[RT_MSGHDR.BYTES], request[RT_MSGHDR.BYTES + 1]];
    const layout = family === SOCKET.AF_INET ? SOCKADDR_IN : SOCKADDR_IN6;
    insist(family === SOCKET.AF_INET || family === SOCKET.AF_INET6, "family of the destination");
    insist(length === layout.BYTES, "length of the destination");
    const at = RT_MSGHDR.BYTES + layout.address;
    const text = addressText(request.subarray(at, at + (family === SOCKET.AF_INET ? 4 : 16)));
    const found = [...this.#mac.routes].find(([prefix]) => text.startsWith(prefix));
    if (found?.[1] === 0) throw new Failure("ESRCH", text);
    const device = RT_MSGHDR.BYTES + layout.BYTES;
    if ((addresses & ROUTE.RTA_IFP) !== 0) {
      insist(request[device] === SOCKADDR_DL.BYTES && request[device + 1] === SOCKET.AF_LINK, "sockaddr_dl");
      insist(request.length === device + SOCKADDR_DL.BYTES, "length of the request");
      view.setUint16(RT_MSGHDR.index, found?.[1] ?? DEFAULT_INTERFACE, true);
    }
    view.setInt32(RT_MSGHDR.pid, process.pid, true);
    if (this.#mac.routeAnswers === "after another's") this.#tell(answerToAnother(request));
    if (this.#mac.routeAnswers !== "lost") this.#tell(request);
    return request.length;
  }

  /** All route sockets hear of it. */
  #tell(answer: Uint8Array): void {
    for (const socket of this.#mac.routeSockets) socket.hear(answer);
  }

  override close(): void {
    this.#mac.routeSockets.delete(this);
  }
}
