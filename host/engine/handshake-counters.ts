/** Handshakes of a device since it was made, for its metrics. Received counts what was accepted. */
export class HandshakeCounters {
  initiationsSent = 0;
  initiationsReceived = 0;
  responsesSent = 0;
  responsesReceived = 0;
  cookieRepliesSent = 0;
  cookieRepliesReceived = 0;
  /** No answer within REKEY_ATTEMPT_TIME. */
  handshakesGivenUp = 0;
}
