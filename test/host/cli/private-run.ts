/**
 * Runs programs in a mount namespace of their own, where /run is empty and a fake tunnel answers at
 * /var/run/wireguard/NAME.sock. Prints what they wrote, and what they sent to the tunnel, as JSON.
 * Started by `runPrivately` below, as a process of its own: node private-run.ts JOBS_FILE
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Job {
  program: string;
  args: string[];
  env?: Record<string, string>;
  /** What tunnels answer, by name. */
  tunnels?: Record<string, string>;
  /** Tunnels end the connection after their answer. */
  closes?: boolean;
  /** What it prints is compared without times: it need not end in the second in which it began. */
  timeless?: boolean;
  /** Files to make before, by absolute path below /run. */
  files?: Record<string, string>;
}

export interface JobResult {
  code: number | null;
  /** latin1 */
  stdout: string;
  stderr: string;
  /** Seconds since the epoch, the same before and after the program ran. */
  now: number;
  /** What was sent to each tunnel. */
  requests: Record<string, string>;
}

/** The reason why this machine cannot do it; undefined when it can. */
export function privateRunObstacle(...programs: string[]): string | undefined {
  if (process.getuid?.() !== 0) return "needs root for a mount namespace";
  const missing = ["unshare", "mount", ...programs].find((program) => spawnSync("which", [program]).status !== 0);
  return missing === undefined ? undefined : `needs ${missing}`;
}

export function runPrivately(jobs: Job[]): JobResult[] {
  const folder = mkdtempSync(join(tmpdir(), "wasmguard-cli-"));
  const list = join(folder, "jobs.json");
  writeFileSync(list, JSON.stringify(jobs));
  try {
    const script = fileURLToPath(import.meta.url);
    const shell = 'mount -t tmpfs none /run && mkdir -p /run/wireguard && exec "$@"';
    const args = ["--mount", "sh", "-c", shell, "sh", process.execPath, script, list];
    const done = spawnSync("unshare", args, { timeout: 60_000, maxBuffer: 1 << 28 });
    if (done.status !== 0) throw new Error(`private run failed: ${done.stderr}`);
    return JSON.parse(done.stdout.toString("utf8"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function listen(name: string, answer: string, job: Job, requests: Record<string, string>): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      let answered = false;
      socket.on("data", (bytes) => {
        requests[name] = (requests[name] ?? "") + bytes.toString("latin1");
        if (!answered && requests[name].endsWith("\n\n")) {
          answered = true;
          socket.write(Buffer.from(answer, "latin1"));
          if (job.closes) socket.end();
        }
      });
    });
    server.listen(`/run/wireguard/${name}.sock`, () => resolve(server));
  });
}

function run(job: Job): Promise<Pick<JobResult, "code" | "stdout" | "stderr">> {
  return new Promise((resolve) => {
    const child = spawn(job.program, job.args, {
      env: { ...process.env, ...job.env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 20_000,
    });
    const output = { stdout: "", stderr: "" };
    child.stdout.setEncoding("latin1").on("data", (text) => {
      output.stdout += text;
    });
    child.stderr.setEncoding("latin1").on("data", (text) => {
      output.stderr += text;
    });
    child.on("close", (code) => resolve({ code, ...output }));
  });
}

const seconds = (): number => Math.floor(Date.now() / 1000);

async function runJob(job: Job): Promise<JobResult> {
  for (const [path, text] of Object.entries(job.files ?? {})) {
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, Buffer.from(text, "latin1"), { mode: 0o600 });
  }
  for (;;) {
    const requests: Record<string, string> = {};
    const tunnels = Object.entries(job.tunnels ?? {});
    const servers = await Promise.all(tunnels.map(([name, answer]) => listen(name, answer, job, requests)));
    const now = seconds();
    const result = await run(job);
    for (const server of servers) server.close();
    if (job.timeless || now === seconds()) return { ...result, now, requests };
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const results: JobResult[] = [];
  for (const job of JSON.parse(readFileSync(process.argv[2]!, "utf8"))) results.push(await runJob(job));
  process.stdout.write(JSON.stringify(results), () => process.exit(0));
}
