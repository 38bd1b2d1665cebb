/** Of the files that are read, in bytes. 130,560 allowed IPs of the longest form fit twice; a device without end does not. */
export const CONFIG_BYTES_MAX = 16 << 20;
