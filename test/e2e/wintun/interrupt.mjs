// Runs inside of Wine, in Node of Windows: Ctrl-C at the console of another process, whose number is named here.
import { DynamicLibrary } from "node:ffi";

const CTRL_C = 0;
const kernel = new DynamicLibrary("kernel32.dll");

function call(name, types, ...values) {
  kernel.getFunction(name, { arguments: types, return: "i32" })(...values);
}

call("FreeConsole", []);
call("AttachConsole", ["u32"], Number(process.argv[2]));
// This process is not to end with it.
call("SetConsoleCtrlHandler", ["u64", "i32"], 0n, 1);
call("GenerateConsoleCtrlEvent", ["u32", "u32"], CTRL_C, 0);
