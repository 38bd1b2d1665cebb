/** Scripts of TCP. */
import { describeTopic } from "./script/suite.ts";

describeTopic("tcp-open");
describeTopic("tcp-close");
describeTopic("tcp-data");
describeTopic("tcp-loss");
describeTopic("tcp-timestamps");
describeTopic("tcp-cookies");
describeTopic("tcp-blind");
describeTopic("tcp-paws");
describeTopic("tcp-time-wait");
describeTopic("tcp-simultaneous");
describeTopic("tcp-windows");
describeTopic("tcp-patience");
describeTopic("tcp-urgent");
describeTopic("tcp-recovery");
describeTopic("tcp-rack");
describeTopic("tcp-spurious");
describeTopic("tcp-mtu");
