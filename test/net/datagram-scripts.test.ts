/** Scripts of UDP and ICMP. */
import { describeTopic } from "./script/suite.ts";

describeTopic("icmp");
describeTopic("udp");
