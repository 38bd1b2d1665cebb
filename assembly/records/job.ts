/**
 * One message of a batch that several threads work on (transport/fork.ts): what each of them must know to seal or open it, and what came of it.
 * Memory: JOB_BYTES each, so that the jobs of a block fill whole cache lines.
 */
export const JOB_BYTES: usize = 16;

@unmanaged
export class Job {
  /** Where it is: header, data, tag. */
  message: u32;
  /** Bytes of all three. */
  length: u32;
  /** Its keypair, as the index table has it: slot of the peer << 2 | number. */
  owner: u32;
  /** The RX descriptor that it came with. */
  descriptor: u16;
  /** 1 when its tag was right. */
  opened: u16;
}

if (offsetof<Job>() !== JOB_BYTES) ERROR("JOB_BYTES is not what the fields take");
