/**
 * A UAPI socket on a MemoryTarget, for `wg` to talk to: node:net in the place of the driver, copying between the
 * socket and the areas. Run as a program with the socket's path; prints "ready" once it listens.
 */
import { createServer, type Socket } from "node:net";
import { World } from "./connection.ts";

const world = await World.create({ storageBytes: 64 * 1100 });
/** Setting this listen port makes a new device of it, for the next test. */
const RESET_PORT = 100;

/** @returns when the connection has ended */
async function serve(socket: Socket): Promise<void> {
  const session = world.session();
  const memory = Buffer.from(world.memory.buffer);
  let waiting: Buffer = Buffer.alloc(0);

  function pump(): void {
    for (;;) {
      for (let out = session.output(); out.length > 0; out = session.output()) {
        socket.write(Buffer.from(memory.subarray(out.address, out.address + out.length)));
        session.written(out.length);
      }
      if (session.closed) return void socket.end();
      const room = session.inputRoom();
      const taken = waiting.copy(memory, room.address, 0, room.length);
      if (taken === 0) return;
      waiting = waiting.subarray(taken);
      session.received(taken);
    }
  }

  socket.on("data", (data: Buffer) => {
    waiting = Buffer.concat([waiting, data]);
    pump();
  });
  socket.on("end", () => {
    session.end();
    pump();
  });
  socket.resume();
  await new Promise((resolve) => socket.on("close", resolve));
  session.destroy();
  if (!world.areasAreWiped()) process.exit(3);
  if (world.target.port === RESET_PORT) world.reset();
}

// One connection after the other: they share the areas.
let turn = Promise.resolve();
const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
  socket.on("error", () => {});
  turn = turn.then(() => serve(socket));
});
server.listen(process.argv[2], () => console.log("ready"));
