// A bot that reads a chat room of the office and answers: deno run --allow-net --allow-read --allow-sys --allow-env bot.ts office.conf URL
import { Network } from "wasmguard/network";

const [file, url] = Deno.args;
await using network = await Network.fromConfig(file);
const answers: Record<string, () => string> = {
  "!time": () => new Date().toISOString(),
  "!help": () => `I know ${Object.keys(answers).join(", ")}`,
};

let last = 0;
for (let told = ""; told !== "!quit"; ) {
  // The room answers as soon as somebody has said something.
  const { id, text } = await (await network.fetch(`${url}/messages?after=${last}`)).json();
  last = id;
  told = text;
  const answer = answers[text]?.();
  if (answer) await network.fetch(`${url}/messages`, { method: "POST", body: answer });
}
