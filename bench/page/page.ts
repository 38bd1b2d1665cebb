// The page: a button that starts the worker, and a card for each primitive, whose bars grow as figures come in.
import type { Primitive } from "../crypto/contestant.ts";
import { TITLES } from "../report/names.ts";
import { Card } from "./card.ts";
import type { WorkerMessage } from "./messages.ts";

const USUAL_ROUNDS = 9;

const button = document.querySelector<HTMLButtonElement>("#run")!;
const progress = document.querySelector<HTMLProgressElement>("#progress")!;
const status = document.querySelector<HTMLOutputElement>("#status")!;
const footer = document.querySelector<HTMLElement>("#footer")!;
const cards = new Map((Object.keys(TITLES) as Primitive[]).map((primitive) => [primitive, new Card(primitive)]));
document.querySelector("#cards")!.append(...[...cards.values()].map((card) => card.element));

const rounds = Number(new URLSearchParams(location.search).get("rounds")) || USUAL_ROUNDS;
let worker: Worker | undefined;

function finish(text: string): void {
  worker?.terminate();
  worker = undefined;
  button.textContent = "Run again";
  progress.hidden = true;
  status.textContent = text;
}

function onMessage(message: WorkerMessage): void {
  if (message.kind === "failed") return finish(`Failed: ${message.message}`);
  if (message.kind === "progress") {
    progress.value = message.done;
    status.textContent = `Round ${message.round} of ${rounds}`;
    cards.get(message.latest.primitive)!.update(message.latest);
    return;
  }
  for (const one of message.cases) cards.get(one.primitive)!.update(one);
  footer.textContent = `${navigator.userAgent} · wasmguard's ${message.build} build · medians of ${rounds} rounds`;
  finish("Done");
}

button.addEventListener("click", () => {
  if (worker) return finish("Stopped");
  worker = new Worker("worker.js", { type: "module", name: String(rounds) });
  worker.addEventListener("message", ({ data }) => onMessage(data as WorkerMessage));
  worker.addEventListener("error", ({ message }) => finish(`Failed: ${message}`));
  button.textContent = "Stop";
  progress.value = 0;
  progress.hidden = false;
  status.textContent = "Comparing results and warming up …";
});
