// Runs inside of Wine, in Node of Windows: a key at the console of another process, whose number is named here: interrupt.mjs PROCESS KEY.
// KEY is 0 for Ctrl-C, 1 for Ctrl-Break. Wine's console knows only the first one; for the second this does what a console does, which has a thread
// of the process run the function that asks its handlers.
import { DynamicLibrary } from "node:ffi";

const CTRL_C = 0;
const PROCESS_ALL_ACCESS = 0x1fffff;
const kernel = new DynamicLibrary("kernel32.dll");
const [pid, key] = process.argv.slice(2).map(Number);

function call(name, types, ...values) {
  return kernel.getFunction(name, { arguments: types, return: "u64" })(...values);
}

if (key === CTRL_C) {
  call("FreeConsole", []);
  call("AttachConsole", ["u32"], pid);
  // This process is not to end with it.
  call("SetConsoleCtrlHandler", ["u64", "i32"], 0n, 1);
  call("GenerateConsoleCtrlEvent", ["u32", "u32"], CTRL_C, 0);
} else {
  const handle = call("OpenProcess", ["u32", "i32", "u32"], PROCESS_ALL_ACCESS, 0, pid);
  const routine = new DynamicLibrary("kernelbase.dll").getSymbol("CtrlRoutine");
  const types = ["u64", "u64", "u64", "u64", "u64", "u32", "u64"];
  call("CreateRemoteThread", types, handle, 0n, 0n, routine, BigInt(key), 0, 0n);
}
