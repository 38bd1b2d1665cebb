/** Scripts of TCP. */
import { describeTopic } from "./script/suite.ts";

describeTopic("tcp-open");
