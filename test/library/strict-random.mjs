// The example, where getRandomValues refuses views of shared memory, as Web IDL has it and browsers always did.
const { getRandomValues } = Crypto.prototype;
Crypto.prototype.getRandomValues = function (view) {
  if (view.buffer instanceof SharedArrayBuffer) throw new TypeError("a view of shared memory is not allowed");
  return getRandomValues.call(this, view);
};
await import("./example.mjs");
