// Machines in a bad network, and then in a good one: half of the seeds.
import { playSeeds } from "./play.ts";

playSeeds(1);
